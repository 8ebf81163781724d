"""Turn calls to their keypads, and end those whose end the provider never told."""

from celery import shared_task
from django.utils import timezone

from ivr import redirects, turns
from ivr.actions import HouseActions


@shared_task(name="ivr.tasks.turn")
def turn(*, question_id: int) -> None:
    """Turn the call of one question to its keypad."""
    redirects.turn(question_id, at=timezone.now())


@shared_task
def sweep() -> None:
    """End every call that is longer than calls can be, and every interaction that outlived its call."""
    now = timezone.now()
    actions = HouseActions()
    for call_id in turns.forgotten(now):
        turns.end_forgotten(call_id, at=now, actions=actions)
