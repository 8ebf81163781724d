"""What the workers do about visits; the rows say what is due, these only act on it."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from visits import escalations, reminders


@shared_task(name="visits.tasks.escalate")
def escalate(*, escalation_id: int) -> None:
    """Place one visit that is due."""
    escalations.place(escalation_id, at=timezone.now())


@shared_task(name="visits.tasks.sweep")
def sweep() -> None:
    """Place whatever is due and was not placed, whoever lost its task."""
    now = timezone.now()
    for escalation_id in escalations.due(now):
        escalations.place(escalation_id, at=now)


@shared_task(name="visits.tasks.remind")
def remind() -> None:
    """Send the reminders that are due."""
    now = timezone.now()
    for reminder_id in reminders.due(now):
        reminders.send(reminder_id, at=now)
