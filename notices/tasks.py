"""What the workers do with messages; the rows say what is due, these only act on it."""

from celery import shared_task
from django.utils import timezone

from notices import actions


@shared_task
def deliver(*, notice_id: int) -> None:
    """Deliver one message if it is due."""
    actions.deliver(notice_id, at=timezone.now())


@shared_task
def sweep() -> None:
    """Dispatch every message that is due and not done, those of killed workers too."""
    for notice_id in actions.due(at=timezone.now()):
        actions.dispatch(notice_id)
