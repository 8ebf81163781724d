"""What an attempt at the gate can come to, and where an attempt can come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from verification.models import Grant, Proposal, Refusal, Staff


@dataclass(frozen=True)
class Live:
    """An attempt by or for the speaker of an open interaction.

    `by` is None when the caller acts himself (keypad, web).
    """

    interaction_id: UUID
    by: Staff | None = None


@dataclass(frozen=True)
class OfBatch:
    """An attempt whose origin is a prepared batch, approved by `by`."""

    batch_id: UUID
    by: Staff


@dataclass(frozen=True)
class Following:
    """An attempt of a task that finishes, once, what an earlier grant began. `task` names it in the log."""

    grant_id: UUID
    task: str


@dataclass(frozen=True)
class OfProposal:
    """The decision of a second person, `by`, on what was proposed while the caller was live."""

    proposal_id: UUID
    by: Staff


Origin = Live | OfBatch | Following | OfProposal


@dataclass(frozen=True)
class Granted:
    """It is done. `repeated`: it had been done before under the same key, and was not done again."""

    grant: Grant
    result: dict[str, Any] = field(default_factory=dict)
    repeated: bool = False


@dataclass(frozen=True)
class Refused:
    """It is not done; the refusal says why, and what the caller can do."""

    refusal: Refusal
    repeated: bool = False


@dataclass(frozen=True)
class Proposed:
    """It is not done yet: everything is in order, and a second person decides."""

    proposal: Proposal
    repeated: bool = False


@dataclass(frozen=True)
class Malformed:
    """The parameters could not be read; nothing was judged. `errors` by field, each a list of sentences."""

    errors: dict[str, list[str]]


Decision = Granted | Refused | Proposed | Malformed


class Unavailable(RuntimeError):
    """Not even the refusal could be written. Nothing was done; whoever asked must be told to try again (503)."""
