"""Requests to a person's app: through which broker they may go, how many of them, and the row that says one is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction

from verification import roads
from verification.eid.brokers import Broker
from verification.models import CibaRequest, Prompt, PromptEnd
from verification.policy import current

TEN_MINUTES, DAY = timedelta(minutes=10), timedelta(days=1)


def through(code: str) -> Broker | None:
    """Return the broker of this code that asks in an app, "" being the best of them; None when there is no such one.

    One where approving is but a tap is never chosen for anybody: it must be named, so that it stands for what it is.
    """
    known = roads.with_app()
    if not code:
        return next((each for each in known if each.ciba_binding == "transfer"), None)
    return next((each for each in known if each.code == code), None)


def too_many(person_mark: str, *, at: datetime) -> bool:
    """Tell whether a person was asked as often as he may be since he last approved (63B 3.1.3.2).

    Counted by the number that was said, whether or not it is somebody's, under the lock that the caller holds on it.
    """
    limits = current().prompts
    asked = Prompt.objects.filter(claim__person_mark=person_mark, road=Prompt.Road.CIBA, asked_at__gt=at - DAY)
    approved = asked.filter(end__outcome=PromptEnd.Outcome.APPROVED).order_by("-asked_at").first()
    since = asked.filter(asked_at__gt=approved.asked_at) if approved else asked
    lately = since.filter(asked_at__gt=at - TEN_MINUTES).count()
    return lately >= limits.pushes_per_ten_minutes or since.count() >= limits.pushes_per_day


def queue(prompt: Prompt, broker: Broker, *, at: datetime) -> CibaRequest:
    """Note, in the prompt's own transaction, that its request is to be sent; nobody's gets the same row."""
    noted = CibaRequest.objects.create(prompt=prompt, broker=broker.code, sealed_request=b"", due_at=at)
    hint(noted.pk)
    return noted


def hint(request_id: int, *, pinged: bool = False) -> None:
    """Tell a worker after the commit that a request is due; without a broker of tasks the sweep finds it."""
    wanted = {"request_id": request_id, "pinged": pinged}

    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def send() -> None:
        current_app.send_task("verification.tasks.ask_broker", kwargs=wanted, ignore_result=True)

    transaction.on_commit(send, robust=True)
