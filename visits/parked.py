"""The matter that a refusal had parked: read back at the desk, confirmed by the customer, and asked of the gate anew.

It was a stranger's words when it was parked. It is opened only when the identity list is complete, and never done
because it was parked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.log import record
from verification.declarations import Declaration, declared
from verification.gate import Decision, Live, attempt
from verification.levels import Level
from verification.masking import standing
from verification.models import Interaction, Staff
from verification.parking import parked
from visits import desk
from visits.confirming import subject_of
from visits.models import Visit
from visits.papers import missing


class NotOpen(ValueError):
    """Tell that the matter can't be carried out; `code`: NONE, IDENTITY, PAPERS, NOT_CONFIRMED."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Matter:
    """One action with the parameters that were asked for, as they are given to the gate."""

    action: Declaration
    parameters: dict[str, Any]

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Give (label, value) of each parameter, for reading aloud."""
        fields = self.action.form.base_fields
        shown = ((name, value) for name, value in self.parameters.items() if value not in (None, "") and name in fields)
        return [(str(fields[name].label or name), str(value)) for name, value in shown]


def read_back(visit: Visit, here: Interaction, *, by: Staff, at: datetime) -> Matter | None:
    """Open the parked matter for reading back, with its entry; None when nothing is parked or it may not be opened."""
    with transaction.atomic():
        matter = _opened(visit, here, at)
        if matter is not None:
            _entry(visit, "visit.matter_read", by, at, matter)
        return matter


def carry_out(visit: Visit, *, confirmed: bool, nonce: str, by: Staff, at: datetime) -> Decision:
    """Ask the gate for the same action with the same parameters, through the desk's interaction.

    `nonce` makes a repeated form the same attempt. Raises NotOpen, desk.NotHere, gate.Unavailable.
    """
    here = desk.at_desk(visit, by=by)
    if not confirmed:
        raise NotOpen("NOT_CONFIRMED")
    if missing(visit, on=desk.today(visit, at)):
        raise NotOpen("PAPERS")
    with transaction.atomic():
        matter = _opened(visit, here, at)
        if matter is None:
            waiting = visit.refusal is not None and parked(visit.refusal, at) is not None
            raise NotOpen("IDENTITY" if waiting else "NONE")
        _entry(visit, "visit.matter_confirmed", by, at, matter)
    return attempt(
        matter.action.name,
        origin=Live(interaction_id=here.public_id, by=by),
        parameters=matter.parameters,
        at=at,
        key=f"desk:{here.public_id}:{nonce[:40]}",
    )


def _opened(visit: Visit, here: Interaction, at: datetime) -> Matter | None:
    claim, held = standing(here, at)
    if visit.refusal is None or claim is None or claim.customer is None or held.level < Level.SUBSTANTIAL:
        return None
    if visit.refusal.customer_id not in (None, claim.customer_id):
        return None
    action, kept = declared(visit.refusal.action), parked(visit.refusal, at)
    return None if action is None or kept is None else Matter(action, _raw(action, kept))


def _raw(action: Declaration, kept: dict[str, Any]) -> dict[str, Any]:
    """Give the parameters back in the form in which the action takes them: what was cut into lines is text again."""
    known = {name: value for name, value in kept.items() if name in action.form.base_fields}
    return {name: "\n".join(map(str, value)) if isinstance(value, list) else value for name, value in known.items()}


def _entry(visit: Visit, kind: str, by: Staff, at: datetime, matter: Matter) -> None:
    record(
        kind=kind,
        actor=by.actor,
        subject=subject_of(visit),
        at=at,
        outcome="ok",
        purpose="carry out at the desk what was asked for before",
        organisation=str(visit.organisation_id),
        facts={"visit": str(visit.public_id), "action": matter.action.name},
    )
