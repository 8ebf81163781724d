"""Muscle of the outbox: a task for one instruction or one copy, and the sweep that finds what is due."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from cases import exports, outbox


@shared_task(name="cases.tasks.deliver")
def deliver(*, delivery_id: int) -> None:
    """Deliver one instruction that is due."""
    outbox.deliver(delivery_id, at=timezone.now())


@shared_task(name="cases.tasks.prepare_export")
def prepare_export(*, export_id: int) -> None:
    """Prepare one copy of a customer's data."""
    exports.move(export_id, at=timezone.now())


@shared_task(name="cases.tasks.sweep")
def sweep() -> None:
    """Deliver and prepare whatever is due and was not, whoever lost its task."""
    now = timezone.now()
    for delivery_id in outbox.due(now):
        outbox.deliver(delivery_id, at=now)
    for export_id in exports.due(now):
        exports.move(export_id, at=now)
