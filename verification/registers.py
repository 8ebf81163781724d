"""A national register of authorizations, as one question: may this person do this for that one, now?

The network is asked before the gate is, never inside its transaction. The answer is a row bound to the claim; it counts
for ten minutes, for the action that was asked about, and only a plain yes counts at all. What is sent are keyed marks:
the organisation's own gateway knows whose personal identity codes they stand for, and speaks to the register itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import httpx
from django.conf import settings
from django.db import transaction

from audit.log import record
from verification import masking, proposals
from verification.authority import represents
from verification.declarations import OWN_MATTER, declared
from verification.eid.brokers import trusted_address
from verification.models import Claim, Interaction, Proposal, RegisterAnswer, Staff
from verification.scene import claims_of_all

TIMEOUT: Final = httpx.Timeout(3, connect=2)
LARGEST: Final = 16 * 1024
Said = RegisterAnswer.Said


class CannotAsk(ValueError):
    """Tell why the register wasn't asked: NONE (no register), CLAIM (nobody is represented), LEVEL, ACTION."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What a register says: YES, NO or UNKNOWN, its own reference, and until when the right is given."""

    said: str
    reference: str = ""
    until: datetime | None = None


UNKNOWN: Final = Answer(Said.UNKNOWN)


class Register(Protocol):
    """Whoever can be asked."""

    def authority(self, principal: str, representative: str, action: str, at: datetime) -> Answer:
        """Tell whether the one may do this for the other at `at`. Never raises: what isn't sure is UNKNOWN."""


@dataclass(frozen=True)
class OverHttp:
    """A register behind a gateway: POST of {principal, representative, action, at}, answered by {answer, reference,
    until}, JSON on TLS, or on this machine's loopback.
    """

    address: str

    def authority(self, principal: str, representative: str, action: str, at: datetime) -> Answer:
        """Ask it, with a short patience and no redirects."""
        asked = {
            "principal": principal,
            "representative": representative,
            "action": action,
            "at": at.astimezone(UTC).isoformat(),
        }
        try:
            with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
                got = client.post(self.address, json=asked)
            return _read(got) if got.status_code == httpx.codes.OK and len(got.content) <= LARGEST else UNKNOWN
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, AttributeError):
            return UNKNOWN


def _read(got: httpx.Response) -> Answer:
    told = got.json()
    said = {"yes": Said.YES, "no": Said.NO}.get(told.get("answer"), Said.UNKNOWN)
    reference, until = told.get("reference") or "", told.get("until")
    moment = datetime.fromisoformat(until) if until else None
    if not isinstance(reference, str) or (moment is not None and moment.tzinfo is None):
        return UNKNOWN
    if said is Said.YES and not reference:
        return UNKNOWN  # a yes that can't be traced is none
    return Answer(said, reference[:120], moment)


def configured() -> Register | None:
    """Return the register of this installation, None when there is none or its address can't be trusted.

    The demo has a stand-in on the loopback, which leaves its address in a file while it runs.
    """
    address = str(settings.AUTHORITY_REGISTER_URL) or (_stand_in() if settings.DEMO else "")
    return OverHttp(address) if address and trusted_address(address) else None


def _stand_in() -> str:
    file = Path(settings.AUTHORITY_REGISTER_DEMO_FILE)
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def ask(interaction_id: UUID, action: str, *, by: Staff, at: datetime) -> list[RegisterAnswer]:
    """Ask about every speaker who says that he acts for another, each once, and keep the answers.

    Asked only for one who is proven as far as the action needs: a register is nobody's directory. Raises CannotAsk.
    Must not be called inside a transaction.
    """
    register, interaction = configured(), Interaction.objects.get(public_id=interaction_id)
    if register is None:
        raise CannotAsk("NONE")
    claims = [claim for claim in _representing(interaction) if _proven(claim, interaction, action, at)]
    if not claims:
        raise CannotAsk("LEVEL")
    told = [(claim, _ask(register, claim, action, at)) for claim in claims]
    with transaction.atomic():
        return [_keep(claim, action, answer, by, at) for claim, answer in told]


def ask_again(proposal: Proposal, *, by: Staff, at: datetime) -> None:
    """Ask anew what a proposal rests on, before a second person decides: an answer counts for minutes only.

    Nothing is asked when no register said yes to it, or when `by` may not decide. Must not be called inside a
    transaction.
    """
    register, claim = configured(), proposal.claim
    if register is None or claim is None or not proposals.may_decide(proposal, by, at):
        return
    said_yes = claim.register_answers.filter(action=proposal.action, said=Said.YES, asked_at__lte=proposal.decided_at)
    if not said_yes.exists():
        return
    answer = _ask(register, claim, proposal.action, at)
    with transaction.atomic():
        _keep(claim, proposal.action, answer, by, at)


def _representing(interaction: Interaction) -> list[Claim]:
    found = [claim for claim in claims_of_all(interaction) if represents(claim)]
    if not found or not interaction.live:
        raise CannotAsk("CLAIM")
    return found


def _proven(claim: Claim, interaction: Interaction, action: str, at: datetime) -> bool:
    wanted = declared(action)
    if wanted is None or wanted.scope != OWN_MATTER:
        raise CannotAsk("ACTION")
    return masking.held_by(claim, interaction, at).level >= wanted.required


def _ask(register: Register, claim: Claim, action: str, at: datetime) -> Answer:
    marks = [party.identity_mark if party else "" for party in (claim.customer, claim.person)]
    return register.authority(marks[0], marks[1], action, at) if all(marks) else UNKNOWN


def _keep(claim: Claim, action: str, answer: Answer, by: Staff, at: datetime) -> RegisterAnswer:
    interaction, party = claim.speaker.interaction, claim.person
    facts: dict[str, Any] = {
        "interaction": str(interaction.public_id),
        "action": action,
        "answer": str(answer.said),
        "reference": answer.reference,
        "until": answer.until.isoformat() if answer.until else None,
    }
    record(
        kind="authority.asked",
        actor=by.actor,
        subject=str(party.pseudonym if party else interaction.pseudonym),
        at=at,
        outcome=str(answer.said).lower(),
        purpose="find out whether one person may act for another",
        organisation=str(interaction.organisation_id),
        facts=facts,
    )
    return RegisterAnswer.objects.create(
        claim=claim, action=action, said=answer.said, reference=answer.reference, until=answer.until, asked_at=at,
        asked_by=by,
    )  # fmt: skip
