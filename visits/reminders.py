"""The reminder on the day before a visit: once, at an hour at which a message wakes nobody."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import transaction

from visits import letters
from visits.models import Reminder, Visit, VisitEvent

CIVIL_FROM, CIVIL_TO, BEST = time(9), time(19), time(14)
AFTER_BOOKING = timedelta(hours=4)


def schedule(visit: Visit, *, at: datetime) -> None:
    """Set the reminder for the afternoon before the visit, unless that is now or past."""
    tz = visit.office.tz
    due_at = datetime.combine(visit.on - timedelta(days=1), BEST, tzinfo=tz)
    due_at = max(due_at, civil(at + AFTER_BOOKING, visit))
    if due_at < visit.starts_at - timedelta(hours=1):
        Reminder.objects.create(visit=visit, due_at=due_at)


def civil(at: datetime, visit: Visit) -> datetime:
    """Return `at`, or the next moment between nine and nineteen on the office's clock."""
    local = at.astimezone(visit.office.tz)
    if local.time() < CIVIL_FROM:
        return datetime.combine(local.date(), CIVIL_FROM, tzinfo=visit.office.tz)
    if local.time() >= CIVIL_TO:
        return datetime.combine(local.date() + timedelta(days=1), CIVIL_FROM, tzinfo=visit.office.tz)
    return at


def due(at: datetime) -> list[int]:
    """Return the reminders that are due and not sent."""
    rows = Reminder.objects.filter(state=Reminder.State.PENDING, due_at__lte=at).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:200])


def send(reminder_id: int, *, at: datetime) -> bool:
    """Send one due reminder; return whether it was sent now. Claimed and sent in one transaction, so never twice."""
    with transaction.atomic():
        waiting = Reminder.objects.filter(pk=reminder_id, state=Reminder.State.PENDING, due_at__lte=at)
        found = waiting.select_for_update(of=("self",)).select_related("visit__office", "visit__organisation").first()
        if found is None:
            return False
        visit = found.visit
        if visit.state != Visit.State.BOOKED or at >= visit.starts_at:
            waiting.update(state=Reminder.State.SKIPPED)
            return False
        if (later := civil(at, visit)) > at:
            waiting.update(due_at=later)
            return False
        if not waiting.update(state=Reminder.State.SENT, attempts=found.attempts + 1):
            return False
        told = letters.remind(visit, at=at)
        VisitEvent.objects.create(visit=visit, kind=VisitEvent.Kind.REMINDED, at=at, detail={"contacts": told})
        return True
