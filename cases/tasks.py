"""Muscle of the outbox: a task for one instruction, and the sweep that finds what is due."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from cases import outbox


@shared_task(name="cases.tasks.deliver")
def deliver(*, refund_id: int) -> None:
    """Deliver one instruction that is due."""
    outbox.deliver(refund_id, at=timezone.now())


@shared_task(name="cases.tasks.sweep")
def sweep() -> None:
    """Deliver whatever is due and was not delivered, whoever lost its task."""
    now = timezone.now()
    for refund_id in outbox.due(now):
        outbox.deliver(refund_id, at=now)
