"""What the workers do about grants, prompts and proposals; the rows say what is due, these only act on it."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from verification import backchannel, prompts, proposals, push_rows, separating, sms_codes, telling


@shared_task(name="verification.tasks.tell")
def tell(*, telling_id: int) -> None:
    """Tell the recorded contacts of one grant."""
    telling.carry_out(telling_id, at=timezone.now())


@shared_task(name="verification.tasks.settle_code")
def settle_code(*, code_id: int) -> None:
    """Send one code by text message, or find that none may be sent."""
    sms_codes.settle(code_id, at=timezone.now())


@shared_task(name="verification.tasks.send_link")
def send_link(*, prompt_id: int) -> None:
    """Send the link of one prompt."""
    prompts.send_link(prompt_id, at=timezone.now())


@shared_task(name="verification.tasks.ask_broker")
def ask_broker(*, request_id: int, pinged: bool = False) -> None:
    """Send one request to an app, or ask its broker once whether it was answered."""
    backchannel.step(request_id, at=timezone.now(), pinged=pinged)


@shared_task(name="verification.tasks.sweep")
def sweep() -> None:
    """Send and tell whatever is due and was not, whoever lost its task; end what nobody answered in time."""
    now = timezone.now()
    for prompt_id in prompts.unsent(at=now):
        prompts.send_link(prompt_id, at=now)
    prompts.sweep(now)
    proposals.sweep(now)
    separating.sweep(now)
    for code_id in sms_codes.due(at=now):
        sms_codes.settle(code_id, at=now)
    for telling_id in telling.due(at=now):
        telling.carry_out(telling_id, at=now)
    for request_id in push_rows.due(at=now):
        ask_broker.delay(request_id=request_id)  # a broker may keep us waiting: each on its own
