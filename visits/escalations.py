"""Placing the visits that were asked for: each exactly once, however often a worker is killed or a task repeated."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q, QuerySet

from verification.gate import Following, Refused, Unavailable, attempt
from verification.models import Grant, Refusal
from visits.models import Escalation, Visit

LEASE = timedelta(seconds=60)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
MOST_ATTEMPTS = 200  # over a week of hours: a full calendar opens again, and nobody may be forgotten meanwhile
ALARM_FROM = 3

log = structlog.get_logger(__name__)


def due(at: datetime) -> list[int]:
    """Return the escalations that are due; those of killed workers are among them."""
    rows = Escalation.objects.filter(state=Escalation.State.PENDING, due_at__lte=at).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:200])


def place(escalation_id: int, *, at: datetime) -> Visit | None:
    """Ask the gate to place one visit that is due; return it, or None when it isn't due or couldn't be placed.

    Claimed by compare-and-set. The grant that follows is unique, so of two workers one has an effect.
    """
    if not _claim(escalation_id, at):
        return None
    wanted = Escalation.objects.select_related("grant").get(pk=escalation_id)
    try:
        decision = attempt(
            "place_visit",
            origin=Following(grant_id=wanted.grant.public_id, task="visits.escalate"),
            parameters={},
            at=at,
        )
    except Unavailable:
        _put_off(wanted, "UNAVAILABLE", at)
        return None
    placed = placed_for(wanted.grant)
    if placed is None:
        _put_off(wanted, "NOT_PLACED", at)
    elif isinstance(decision, Refused):  # placed before, by whoever had the row while we asked
        _mine(wanted).update(state=Escalation.State.DONE, last_error="")
    return placed


def placed_for(asked: Grant) -> Visit | None:
    """Return the visit that was placed for a grant of book_visit, or None while it is waited for."""
    return Visit.objects.select_related("office").filter(grant__follows=asked).first()


def standing_for(refusal: Refusal, *, at: datetime) -> Escalation | None:
    """Return what was asked for before for the same refusal and still stands: waiting, or booked and not yet over."""
    return _standing(Escalation.objects.filter(refusal=refusal), at)


def standing_after(visit: Visit, *, at: datetime) -> Escalation | None:
    """Return what was asked for to follow this visit and still stands, or None: at its desk, or for its refusal."""
    follows = Q(grant__interaction__in=visit.events.values("interaction"), action=visit.action)
    if visit.refusal_id is not None:
        follows |= Q(refusal=visit.refusal_id)
    return _standing(Escalation.objects.filter(follows), at)


def _standing(rows: QuerySet[Escalation], at: datetime) -> Escalation | None:
    for asked in rows.select_related("grant").order_by("pk"):
        placed = placed_for(asked.grant)
        if asked.state == Escalation.State.PENDING or (placed is not None and _to_come(placed, at)):
            return asked
    return None


def _to_come(visit: Visit, at: datetime) -> bool:
    """Tell whether he may still come: who forgot his time is given another when he asks."""
    return visit.state == Visit.State.BOOKED and visit.on >= at.astimezone(visit.office.tz).date()


def _claim(escalation_id: int, at: datetime) -> bool:
    rows = Escalation.objects.filter(pk=escalation_id, state=Escalation.State.PENDING, due_at__lte=at)
    return bool(rows.update(due_at=at + LEASE, attempts=F("attempts") + 1))


def _mine(wanted: Escalation) -> QuerySet[Escalation]:
    return Escalation.objects.filter(pk=wanted.pk, state=Escalation.State.PENDING, attempts=wanted.attempts)


def _put_off(wanted: Escalation, error: str, at: datetime) -> None:
    wait = min(FIRST_WAIT * 2 ** min(wanted.attempts, 10), LONGEST_WAIT)
    given_up = wanted.attempts >= MOST_ATTEMPTS
    state = Escalation.State.FAILED if given_up else Escalation.State.PENDING
    _mine(wanted).update(state=state, due_at=at + wait, last_error=error)
    if wanted.attempts >= ALARM_FROM:
        log.error("visit.not_placed", escalation=wanted.pk, attempts=wanted.attempts, error=error)
