"""The clerk's work with one visit: check in, look at papers, compare the document, carry out what was parked.

Nothing here raises a level by itself: what a clerk sees becomes evidence in verification.evidence, and what is done for
the customer is asked of the gate.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.log import record
from verification import interactions
from verification.claims import claim_number, claim_of_visit
from verification.evidence import identity_of
from verification.interactions import DESK_ROLES
from verification.models import Claim, Evidence, Grant, Interaction, Staff
from verification.scene import claim_of, claims_of_all
from visits.checklist import Document, Objection
from visits.confirming import subject_of
from visits.models import ChecklistItem, IdentityTry, ItemAccepted, Visit, VisitEvent
from visits.papers import EVERY_TIME, missing, rule_of
from visits.whose import named, serves


class NotHere(ValueError):
    """Refuse a step at the desk; `code`: ROLE, OWN_MATTER, STATE (of the visit), DAY, NOT_CHECKED_IN, COLLEAGUE,
    OTHER_CUSTOMER. `day` is the visit's own, with DAY.
    """

    def __init__(self, code: str, *, day: date | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.day = day


class Objected(ValueError):
    """Tell what stands against a paper."""

    def __init__(self, objection: Objection) -> None:
        super().__init__(objection.value)
        self.objection = objection


def today(visit: Visit, at: datetime) -> date:
    """Return the day on the office's clock."""
    return at.astimezone(visit.office.tz).date()


def check_in(visit: Visit, *, by: Staff, at: datetime) -> Interaction:
    """Receive a booked visit on its day: open a desk interaction that claims the visit's customer, at NONE.

    Checking in what is at the desk already returns its interaction. Raises NotHere.
    """
    with transaction.atomic():
        locked = _locked(visit)
        _may_receive(locked, by, at)
        here = locked.desk_interaction
        if locked.state == Visit.State.HERE and here is not None and here.live:
            return here
        opened = _opened(locked, by, at)
        early = int((locked.starts_at - at).total_seconds() // 60)
        kind = VisitEvent.Kind.EARLY if early > locked.office.slot_minutes else VisitEvent.Kind.ARRIVED
        event(locked, kind, by=by, at=at, interaction=opened, minutes_early=early)
        return opened


def for_next_visit(visit: Visit, *, by: Staff, at: datetime) -> Interaction:
    """Return the interaction in which the next visit is asked for: the one at the desk, or one opened for it alone.

    A visit that ended without all its papers is not received again; only what follows it is booked. Raises NotHere.
    """
    with transaction.atomic():
        locked = _locked(visit)
        here = locked.desk_interaction
        if locked.state != Visit.State.INCOMPLETE or (here is not None and here.live):
            return at_desk(visit, by=by)
        _may_serve(locked, by)
        opened = _opened(locked, by, at)
        event(locked, VisitEvent.Kind.NEXT, by=by, at=at, interaction=opened)
        return opened


def _locked(visit: Visit) -> Visit:
    return Visit.objects.select_for_update(of=("self",)).select_related("office", "customer").get(pk=visit.pk)


def _opened(visit: Visit, by: Staff, at: datetime) -> Interaction:
    opened = interactions.open_by_staff(by, channel=Interaction.Channel.DESK, language=visit.language, at=at)
    claim_of_visit(opened, visit.customer, by=by, at=at, booked=visit.grant.claim)
    return opened


def _may_receive(visit: Visit, by: Staff, at: datetime) -> None:
    """Receive who comes early, by minutes or days: page and log say so, and the papers are judged by today.

    Whose day has passed is booked anew.
    """
    _may_serve(visit, by)
    if visit.state in (Visit.State.CANCELLED, Visit.State.DONE, Visit.State.INCOMPLETE):
        raise NotHere("STATE")
    if today(visit, at) > visit.on:
        raise NotHere("DAY", day=visit.on)


def _may_serve(visit: Visit, by: Staff) -> None:
    if by.role not in DESK_ROLES or not by.is_active or by.organisation_id != visit.organisation_id:
        raise NotHere("ROLE")
    if visit.customer is not None and not by.may_serve(visit.customer):
        raise NotHere("OWN_MATTER")


def at_desk(visit: Visit, *, by: Staff, speaker: UUID | None = None) -> Interaction:
    """Return the live interaction of a visit that `by` has checked in, for the customer it was booked for.

    What is sent for one visit and said in it must never serve another customer, and nor must a `speaker` who came
    along and speaks for somebody else. Raises NotHere.
    """
    here = received_by(visit, by=by)
    if not serves(visit, claimed(here)) or not serves(visit, claimed(here, speaker)):
        raise NotHere("OTHER_CUSTOMER")
    return here


def received_by(visit: Visit, *, by: Staff) -> Interaction:
    """Return the live interaction of a visit that `by` has checked in, whoever is claimed in it. Raises NotHere."""
    here = visit.desk_interaction
    if here is None or not here.live:
        raise NotHere("NOT_CHECKED_IN")
    if here.served_by_id != by.pk:
        raise NotHere("COLLEAGUE")
    return here


def at_desk_language(visit: Visit) -> str:
    """Return the language that is spoken at the desk."""
    here = visit.desk_interaction
    return here.language if here else visit.language


def claimed(interaction: Interaction, speaker: UUID | None = None) -> Claim | None:
    """Return what a speaker at the desk claims now, the first one when none is named."""
    return claim_of(interaction, speaker)


def name_customer(visit: Visit, number: str, *, by: Staff, at: datetime) -> None:
    """Claim the customer of a number, in a visit that was booked without one. The answer never tells if he exists.

    Raises NotHere, claims.TooMany and interactions.Ended.
    """
    here = at_desk(visit, by=by)
    if named(visit):
        raise NotHere("STATE")
    claim_number(here.public_id, number, capacity=Claim.Capacity.SELF, source=Claim.Source.STAFF, by=by, at=at)


def accept(visit: Visit, item: ChecklistItem, document: Document, *, by: Staff, at: datetime) -> ItemAccepted:
    """Accept one paper of the list as the rules judge it today. Raises NotHere, Objected.

    Papers that show who somebody is are not accepted here: that is the identity check.
    """
    at_desk(visit, by=by)
    if item.group in EVERY_TIME or item.visit_id != visit.pk:
        raise NotHere("STATE")
    rule = rule_of(item, visit, on=today(visit, at))
    if (objection := rule.objection(document, today(visit, at)) if rule else Objection.OTHER_PAPER) is not None:
        raise Objected(objection)
    valid_until = rule.good_until(document) if rule else None
    return judged(item, accepted=True, valid_until=valid_until, by=by, at=at)


def reject(visit: Visit, item: ChecklistItem, objection: Objection, *, by: Staff, at: datetime) -> ItemAccepted:
    """Reject one paper of the list, with the reason that the customer is told. Raises NotHere."""
    at_desk(visit, by=by)
    if item.visit_id != visit.pk:
        raise NotHere("STATE")
    return judged(item, accepted=False, reason=objection.value, by=by, at=at)


def judged(
    item: ChecklistItem, *, accepted: bool, by: Staff, at: datetime, valid_until: date | None = None, reason: str = ""
) -> ItemAccepted:
    """Write a verdict on one paper with its entry. A verdict is no evidence of who somebody is."""
    with transaction.atomic():
        verdict = ItemAccepted.objects.create(
            item=item, accepted=accepted, valid_until=valid_until, reason=reason, judged_at=at, judged_by=by
        )
        _entry(
            item.visit, "visit.paper_judged", by, at, "accepted" if accepted else "rejected",
            {"group": item.group, "paper": item.code, "reason": reason},
        )  # fmt: skip
        return verdict


def settled(visit: Visit, interaction: Interaction) -> bool:
    """Tell whether the errand was granted in this interaction, to the customer it was booked for."""
    granted = Grant.objects.filter(interaction=interaction, action=visit.action)
    return any(serves(visit, grant.claim) for grant in granted.select_related("claim__speaker"))


def incomplete(visit: Visit, *, by: Staff, at: datetime) -> list[str]:
    """Note that papers were missing, and return the groups that were. What was accepted is kept. Raises NotHere."""
    here = received_by(visit, by=by)
    codes = [group.code for group in missing(visit, on=today(visit, at))]
    with transaction.atomic():
        event(visit, VisitEvent.Kind.INCOMPLETE, by=by, at=at, interaction=here, missing=codes)
    return codes


def finish(visit: Visit, *, by: Staff, at: datetime) -> str:
    """End the visit and its interaction, and return the state: done when the errand was granted or nothing was missing.

    Where nothing was looked at the visit is booked as before: a slip of the clerk's must not cost the customer his
    time. Raises NotHere.
    """
    here = received_by(visit, by=by)
    with transaction.atomic():
        if visit.state == Visit.State.HERE:
            _concluded(visit, here, by, at)
        interactions.end(here.public_id, at=at, by=by)
    return visit.state


def _concluded(visit: Visit, here: Interaction, by: Staff, at: datetime) -> None:
    if settled(visit, here) or not missing(visit, on=today(visit, at)):
        event(visit, VisitEvent.Kind.COMPLETE, by=by, at=at, interaction=here)
    elif _looked_at(visit):
        incomplete(visit, by=by, at=at)
    else:
        event(visit, VisitEvent.Kind.RETURNED, by=by, at=at, interaction=here)


def _looked_at(visit: Visit) -> bool:
    """Tell whether a paper was judged or a document held against the record at this visit, whatever came of it."""
    tried = IdentityTry.objects.filter(interaction__in=visit.events.values("interaction"))
    return tried.exists() or ItemAccepted.objects.filter(item__visit=visit).exists()


def identity_seen(interaction: Interaction, speaker: UUID | None = None) -> Evidence | None:
    """Return the identity list noted under a speaker's claim, or None."""
    claim = claimed(interaction, speaker)
    return identity_of(claim) if claim is not None else None


def open_desks(by: Staff) -> list[Interaction]:
    """Return the live desk interactions of the clerk's organisation."""
    live = Interaction.objects.filter(
        organisation_id=by.organisation_id, channel=Interaction.Channel.DESK, ended_at__isnull=True
    )
    return list(live.select_related("served_by").order_by("pk"))


def waiting_for_second(by: Staff) -> list[Claim]:
    """Return the claims of all who wait at a desk for a second clerk, and that `by` himself may confirm."""
    return [claim for here in open_desks(by) for claim in claims_of_all(here) if _needs_second(claim, by)]


def _needs_second(claim: Claim, by: Staff) -> bool:
    first = identity_of(claim)
    if first is None or first.observed_by_id == by.pk:
        return False
    return not claim.evidence.filter(kind=Evidence.Kind.SECOND_CLERK).exists()


def event(
    visit: Visit, kind: str, *, by: Staff, at: datetime, interaction: Interaction | None = None, **detail: Any
) -> VisitEvent:
    """Write what happened to a visit with its entry, inside the caller's transaction."""
    happened = VisitEvent.objects.create(visit=visit, kind=kind, at=at, by=by, interaction=interaction, detail=detail)
    _entry(visit, f"visit.{kind.lower()}", by, at, "ok", detail)
    return happened


def _entry(visit: Visit, kind: str, by: Staff, at: datetime, outcome: str, facts: dict[str, Any]) -> None:
    record(
        kind=kind,
        actor=by.actor,
        subject=subject_of(visit),
        at=at,
        outcome=outcome,
        purpose="serve the customer at the desk",
        organisation=str(visit.organisation_id),
        facts={"visit": str(visit.public_id), **facts},
    )
