"""The matter that a refusal had parked: read back at the desk, confirmed by the customer, and asked of the gate anew.

It was a stranger's words when it was parked. It is opened only when the identity list is complete, and never done
because it was parked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeGuard
from uuid import UUID

from django import forms
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import looks
from audit.log import record
from verification import approvals, canonical, levels, results
from verification.declarations import Declaration, declared
from verification.forms import clean
from verification.gate import Decision, Live, attempt
from verification.levels import Level
from verification.masking import standing
from verification.models import Claim, Evidence, Grant, Interaction, Proposal, Refusal, Staff
from verification.parking import parked
from verification.policy import current
from verification.reasons import Reason
from verification.scene import facts
from visits import desk
from visits.confirming import subject_of
from visits.models import Visit, VisitEvent
from visits.papers import missing

looks.register("visit.matter_read", gettext_lazy("At your visit we read what you had asked us to do."))


class NotOpen(ValueError):
    """Tell that the matter can't be carried out; `code`: NONE, IDENTITY, PAPERS, NOT_CONFIRMED, NOT_APPROVED."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Matter:
    """One action with the parameters that were asked for, as they are given to the gate."""

    action: Declaration
    parameters: dict[str, Any]

    @property
    def digest(self) -> str:
        """Return what an approval of exactly this matter is bound to, as the gate will reckon it; "" for nonsense."""
        cleaned, errors = clean(self.action.form, self.parameters)
        return "" if errors else canonical.digest(self.action.name[:60], cleaned)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Give (label, value) of each parameter in the form's order, for reading aloud; ids are left out."""
        given = ((name, field, self.parameters.get(name)) for name, field in self.action.form.base_fields.items())
        return [
            _line(name, field, value)
            for name, field, value in given
            if value not in (None, "") and not isinstance(field, forms.UUIDField)
        ]


def _line(name: str, field: forms.Field, value: Any) -> tuple[str, str]:
    """Write one parameter as it is said: money in euros, a choice by its name, a day as the language has it."""
    if name == "amount":
        return str(results.AMOUNT), results.money(int(value))
    if isinstance(field, forms.ChoiceField):
        value = dict(field.choices).get(value, value)  # type: ignore[arg-type]  # choices without groups
    elif isinstance(field, forms.BooleanField):
        value = _("yes") if value in (True, "True", "true", "on") else _("no")
    elif isinstance(field, forms.DateField):
        value = date_format(date.fromisoformat(str(value)[:10]), "SHORT_DATE_FORMAT")
    return str(field.label or name), str(value)


def read_back(visit: Visit, here: Interaction, *, by: Staff, at: datetime) -> Matter | None:
    """Open the parked matter for reading back, with its entry; None when nothing is parked or it may not be opened."""
    with transaction.atomic():
        matter = opened(visit, here, at)
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
        matter = opened(visit, here, at)
        if matter is None:
            waiting = _is_his(visit.refusal, desk.claimed(here)) and parked(visit.refusal, at) is not None
            raise NotOpen("IDENTITY" if waiting else "NONE")
        if matter.action.linked and not approved(here, matter, at):
            raise NotOpen("NOT_APPROVED")
        _entry(visit, "visit.matter_confirmed", by, at, matter)
    return attempt(
        matter.action.name,
        origin=Live(interaction_id=here.public_id, by=by),
        parameters=matter.parameters,
        at=at,
        key=f"desk:{here.public_id}:{nonce[:40]}",
    )


def opened(visit: Visit, here: Interaction, at: datetime) -> Matter | None:
    """Return the matter that may be opened at this desk now, without an entry; None for none.

    What was asked for at the desk and waits for his approval comes before what brought him here.
    """
    claim, held = standing(here, at)
    refusal = _asked_here(here, claim) or visit.refusal
    if not _is_his(refusal, claim):
        return None
    action, kept = declared(refusal.action), parked(refusal, at)
    if action is None or kept is None or held.level < max(Level.LOW, min(Level.SUBSTANTIAL, action.required)):
        return None
    matter = Matter(action, _raw(action, kept))
    return None if _taken_back(here, matter, refusal) else matter


def approved(here: Interaction, matter: Matter, at: datetime, *, speaker: UUID | None = None) -> bool:
    """Tell whether a speaker at the desk approved exactly this matter, as the gate will judge it."""
    return levels.approved(
        facts(desk.claimed(here, speaker), since=here.evidence_from),
        matter.digest,
        worth=dict(current().worth),
        at=at,
        youngest_than=matter.action.largest_age,
    )


def approval(here: Interaction, matter: Matter, *, speaker: UUID | None = None) -> Evidence | None:
    """Return a speaker's newest approval of exactly this matter, however old, or None."""
    claim = desk.claimed(here, speaker)
    return claim.evidence.filter(approves=matter.digest).order_by("-pk").first() if claim and matter.digest else None


def awaits_approval(visit: Visit, here: Interaction, at: datetime, *, speaker: UUID | None = None) -> Matter | None:
    """Return the open matter that is done only after a speaker approved it himself, if he has not approved it yet."""
    matter = opened(visit, here, at)
    if matter is None or not matter.action.linked or not matter.digest:
        return None
    once_more = _asked_here(here, desk.claimed(here)) is not None  # what was done on one yes needs another
    said = _unused(here, matter, at, speaker) if once_more else approved(here, matter, at, speaker=speaker)
    return None if said else matter


def _unused(here: Interaction, matter: Matter, at: datetime, speaker: UUID | None) -> bool:
    claim = desk.claimed(here, speaker)
    seen, age = facts(claim, since=here.evidence_from), matter.action.largest_age
    return approvals.unused(claim, seen, matter.digest, policy=current(), at=at, youngest_than=age)


def _asked_here(here: Interaction, claim: Claim | None) -> Refusal | None:
    """Find what was asked for at this desk and refused only because he had not approved it; None once it was done."""
    if claim is None:
        return None
    unapproved = Refusal.objects.filter(interaction=here, claim=claim, reason=Reason.NOT_APPROVED)
    found = unapproved.order_by("-decided_at", "-pk").first()
    if found is None:
        return None
    since = {"interaction": here, "action": found.action, "parameters_hash": found.parameters_hash}
    done = Grant.objects.filter(**since, decided_at__gte=found.decided_at).exists()
    proposed = Proposal.objects.filter(**since, decided_at__gte=found.decided_at).exists()
    return None if done or proposed else found


def _taken_back(here: Interaction, matter: Matter, refusal: Refusal) -> bool:
    """Tell whether the customer said on his page that the matter is not right, after it was last asked for."""
    said = VisitEvent.objects.filter(interaction=here, kind=VisitEvent.Kind.NOT_RIGHT, at__gte=refusal.decided_at)
    return any(event.detail.get("matter") == matter.digest for event in said)


def _is_his(refusal: Refusal | None, claim: Claim | None) -> TypeGuard[Refusal]:
    """Tell whether the words were said in this customer's name; words in nobody's name are read to nobody."""
    return (
        refusal is not None
        and claim is not None
        and refusal.customer_id is not None
        and refusal.customer_id == claim.customer_id
    )


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
        facts={"visit": str(visit.public_id), "action": matter.action.name, "role": by.role},
    )
