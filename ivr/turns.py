"""See to it that every turn of a call is taken once, however often and in whatever order its webhook arrives.

A turn is begun by one conditional UPDATE and answered by storing its reply; between the two the dialogue may ask the
gate, which opens its own transaction and would refuse to be inside ours. Whoever comes second gets the stored reply or,
while there is none yet, is asked to come back in a second. A turn that was begun and never answered, because the
process died, is not tried again (the code may have been used up): its caller is put through to a person.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from ivr import dialogue
from ivr.adapters import Event, Kind, Links
from ivr.asks import Actions
from ivr.faults import place
from ivr.models import Call, TurnReply
from ivr.steps import AskBack, Pause, Redirect, Steps, from_json, to_json

logger = logging.getLogger(__name__)

# No webhook lives longer: the provider has given up on it by then.
ABANDONED_AFTER: Final = timedelta(seconds=15)
# The provider ends calls after four hours unless told otherwise; the rest is for clocks and delays.
LONGEST_CALL: Final = timedelta(hours=4, minutes=15)
SWEPT_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What to render: steps, and the addresses of the call when it goes on."""

    steps: Steps
    links: Links | None = None


def begin(provider: str, event: Event, at: datetime, actions: Actions) -> Answer:
    """Answer the first webhook of a call; a second one for the same call gets the current prompt."""
    call, new = Call.objects.get_or_create(
        provider=provider,
        call_sid=event.call_id,
        defaults={"started_at": at, "claimed_at": at, "ended_at": at if event.ended else None},
    )
    if call.ended_at:
        return Answer(dialogue.finished(call.language))
    if not new:
        return _current(call, event, at, actions)
    actions.open(call, event, at)
    return _settle(call, dialogue.welcome(call, actions), at, actions)


@sensitive_variables("event")
def take(provider: str, token: str, number: int, event: Event, at: datetime, actions: Actions) -> Answer:
    """Answer turn `number` of the call that `token` and the signed call id name together.

    A turn that was answered before, or that lies behind, changes nothing and gets the current prompt; so does one that
    was never offered. Calls that are unknown or over are told goodbye.
    """
    if event.kind is Kind.QUEUE_RESULT and (on_its_way := _turned_away(provider, token, event, actions)):
        return on_its_way
    if not event.ended and (begun := Call.begin_turn(provider, event.call_id, token, number, at)):
        return _settle(begun, _steps(begun, event, at, actions), at, actions)
    call = Call.objects.filter(provider=provider, token=token, call_sid=event.call_id).first()
    if call is None or call.ended_at or event.ended:
        return Answer(dialogue.finished(call.language if call else ""))
    return _current(call, event, at, actions)


@sensitive_variables("event")
def turned(provider: str, token: str, question: UUID, event: Event, at: datetime, actions: Actions) -> Answer:
    """Answer a call that comes back to the keypad for one question.

    It takes a turn of its own, the next one. A repeat, or a question that is long settled, gets the current prompt.
    """
    call = Call.objects.filter(provider=provider, token=token, call_sid=event.call_id).first()
    if call is None or call.ended_at or event.ended:
        return Answer(dialogue.finished(call.language if call else ""))
    if call.step == "queue" and actions.expected(call) == question:
        begun = Call.begin_turn(provider, event.call_id, token, call.turn + 1, at)
        if begun is not None:
            return _settle(begun, _question(begun, question, event, at, actions), at, actions)
        call.refresh_from_db()
    return _current(call, event, at, actions)


def finish(provider: str, event: Event, at: datetime, actions: Actions) -> None:
    """Note that a call is over: its interaction ends, its replies are deleted, and later webhooks change nothing.

    A call that was never seen is noted too, so that its first webhook, arriving late, opens nothing.
    """
    if not event.ended:
        return
    call, new = Call.objects.get_or_create(
        provider=provider,
        call_sid=event.call_id,
        defaults={"started_at": at, "claimed_at": at, "ended_at": at},
    )
    if not new:
        _over(call, at, actions)


def company(provider: str, token: str, event: Event) -> Answer:
    """Answer the queue's request for something to say to those who wait."""
    named = Call.objects.filter(provider=provider, token=token, call_sid=event.call_id, ended_at=None)
    call = named.select_related("interaction").first()
    if call is None:
        return Answer(dialogue.finished())
    if call.interaction and call.interaction.ended_at:
        return Answer(dialogue.finished(call.language))
    if call.interaction and call.interaction.served_by_id:
        return Answer(dialogue.taken())
    return Answer(dialogue.waiting(call.language, event.position))


def forgotten(at: datetime) -> list[int]:
    """Find calls that are open for longer than a call can last, and ended ones whose interaction is still open."""
    endless = Q(ended_at=None, started_at__lt=at - LONGEST_CALL)
    left_open = Q(ended_at__lt=at - ABANDONED_AFTER, interaction__ended_at=None, interaction__isnull=False)
    return list(Call.objects.filter(endless | left_open).order_by("pk").values_list("pk", flat=True)[:SWEPT_AT_ONCE])


def end_forgotten(call_id: int, *, at: datetime, actions: Actions) -> None:
    """End one call as its status callback would have; safe to repeat."""
    call = Call.objects.get(pk=call_id)
    _over(call, at, actions)


def _over(call: Call, at: datetime, actions: Actions) -> None:
    Call.objects.filter(pk=call.pk, ended_at=None).update(ended_at=at)
    call.replies.all().delete()
    actions.end(call, at)


@sensitive_variables("event")
def _steps(call: Call, event: Event, at: datetime, actions: Actions) -> Steps:
    try:
        return dialogue.handle(call, event, at, actions)
    except Exception as error:
        # Whatever broke, the caller shall reach a person, and we shall hear of it.
        logger.error("A turn failed at step %s: %s", call.step, place(error))
        return dialogue.technical_fault(call, at, event, actions)


def _question(call: Call, question: UUID, event: Event, at: datetime, actions: Actions) -> Steps:
    try:
        return dialogue.turned_back(call, event, question, at, actions)
    except Exception as error:
        logger.error("A question could not be put: %s", place(error))
        return dialogue.technical_fault(call, at, event, actions)


def _turned_away(provider: str, token: str, event: Event, actions: Actions) -> Answer | None:
    """Answer the queue's word that a call was taken out of it, when we did that ourselves: the contact goes on.

    Takes no turn, since the call may be at the question already; None when we have asked for nothing.
    """
    if not event.status.startswith("redirected") or event.ended:
        return None
    call = Call.objects.filter(provider=provider, token=token, call_sid=event.call_id, ended_at=None).first()
    question = actions.expected(call) if call is not None else None
    return Answer((AskBack(str(question)),), _links(call)) if call is not None and question is not None else None


def _settle(call: Call, steps: Steps, at: datetime, actions: Actions) -> Answer:
    """Store the reply of the current turn, unless the call ended meanwhile or another process has answered it."""
    try:
        with transaction.atomic():
            goes_on = call.move_on()
            if goes_on:
                TurnReply.store(call, to_json(steps))
    except IntegrityError:
        return _stored(call) or _come_back(call)
    if not goes_on:
        actions.end(call, at)
        return Answer(dialogue.finished(call.language))
    return Answer(steps, _links(call))


def _current(call: Call, event: Event, at: datetime, actions: Actions) -> Answer:
    if call.ended_at:
        return Answer(dialogue.finished(call.language))
    if answer := _stored(call):
        return answer
    if at - call.claimed_at > ABANDONED_AFTER and call.take_over(at):
        logger.warning("Turn %s was begun and never answered; the caller is put through to a person.", call.turn)
        return _settle(call, dialogue.technical_fault(call, at, event, actions), at, actions)
    return _come_back(call)


def _stored(call: Call) -> Answer | None:
    reply = TurnReply.objects.filter(call=call, number=call.turn).first()
    return Answer(from_json(reply.steps), _links(call)) if reply else None


def _come_back(call: Call) -> Answer:
    return Answer((Pause(1), Redirect(call.turn)), _links(call))


def _links(call: Call) -> Links:
    return Links(call.provider, call.token)
