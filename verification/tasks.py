"""What the workers do about grants; the rows say what is due, these only act on it."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from verification import sms_codes, telling


@shared_task(name="verification.tasks.tell")
def tell(*, telling_id: int) -> None:
    """Tell the recorded contacts of one grant."""
    telling.carry_out(telling_id, at=timezone.now())


@shared_task(name="verification.tasks.settle_code")
def settle_code(*, code_id: int) -> None:
    """Send one code by text message, or find that none may be sent."""
    sms_codes.settle(code_id, at=timezone.now())


@shared_task(name="verification.tasks.sweep")
def sweep() -> None:
    """Tell of whatever was granted and not told, whoever lost its task."""
    now = timezone.now()
    for code_id in sms_codes.due(at=now):
        sms_codes.settle(code_id, at=now)
    for telling_id in telling.due(at=now):
        telling.carry_out(telling_id, at=now)
