"""The request to a person's own app (OpenID CIBA Core 1.0): sent once, asked about until it has an answer.

Each step of a request takes its row with a lease, asks the broker outside any transaction, and writes what came of it.
A worker that is killed leaves the row to the next one when the lease has run out: a request of which nobody knows
whether it was sent is never sent again, and an answer that nobody got is asked for again.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from verification import answers, prompt_ends, prompts, roads
from verification.declarations import declared
from verification.eid import brokers, ciba, judging, network
from verification.eid.brokers import Broker
from verification.eid.ciba import CibaStart, Pending, SlowDown
from verification.eid.identity import Identity
from verification.eid.rejected import Code, Rejected
from verification.levels import Level
from verification.models import CibaRequest, ContactChange, Prompt, PromptEnd
from verification.numbers import born_of, identity_mark
from verification.prompt_ends import Outcome
from verification.push_rows import Sent, digest, done, leased, mine, put_off, sealed, sent_of

LASTS: Final = timedelta(seconds=180)  # how long the app should offer it
LONGEST_WAIT: Final = timedelta(seconds=30)
ASK_ENDPOINT: Final = "backchannel_authentication_endpoint"
LETTERS: Final = "ACDEFHJKLMNPRTUVWXY"  # none that is taken for another, on a screen or by ear
LONGEST_MESSAGE: Final = 100
LOST: Final = "LOST"
ANSWER_LOST: Final = "ANSWER_LOST"


def step(request_id: int, *, at: datetime, pinged: bool = False) -> None:
    """Do what is due for one request: send it, or ask once whether there is an answer. Safe to repeat, at once too."""
    request = leased(request_id, at)
    if request is None:
        return
    sent = sent_of(request)
    if sent is None:
        _send(request, at)
    elif sent.silent:
        _end(request, Outcome.DECLINED, Code.UNKNOWN_PERSON, at)
    elif not sent.auth_req_id:  # whoever was sending it was killed: it may be in the app, so it isn't sent again
        _fail(request, LOST, at)
    elif _ended(request.prompt) and not pinged and sent.last_look > at:
        put_off(request, sent.last_look)
    else:
        _ask(request, sent, at)


def _send(request: CibaRequest, at: datetime) -> None:
    """Send the request, at most once ever; a broker that is away is looked for until the prompt runs out."""
    broker = brokers.configured().get(request.broker)
    hint = _hint(broker, request.prompt, at) if broker else ""
    if broker is None:
        _fail(request, Code.PROVIDER, at)
    elif not hint:
        _keep_silent(request, at)
    elif _found(request, broker, at):
        sent = Sent(at, _letters())
        if _may_send(request, sent, at):
            _push(request, sent, broker, hint, at)


def _found(request: CibaRequest, broker: Broker, at: datetime) -> bool:
    """Tell whether the broker says where it takes requests: until then nothing was sent, and it may be tried again."""
    try:
        network.endpoint(broker, ASK_ENDPOINT)
    except Rejected as why:
        if _ended(request.prompt):
            done(request, at=at)
        elif why.retry:
            put_off(request, at + _wait(request))
        else:
            _fail(request, why.code, at)
        return False
    return True


def _may_send(request: CibaRequest, sent: Sent, at: datetime) -> bool:
    """Note, under the contact's lock, that it is being sent; not when the prompt has ended meanwhile."""
    with transaction.atomic():
        prompt = prompts.locked(request.prompt_id)
        if not Prompt.objects.open(at).filter(pk=prompt.pk).exists():
            mine(request).update(done_at=at, polling_until=None)
            return False
        return bool(mine(request).update(sealed_request=sealed(request, sent)))


def _push(request: CibaRequest, sent: Sent, broker: Broker, hint: str, at: datetime) -> None:
    prompt = request.prompt
    heard = "".join(prompts.words_of(prompt)[1]) if broker.ciba_binding == "transfer" else ""
    try:
        start = ciba.start(
            broker,
            login_hint=hint,
            binding_message=message_of(prompt, sent.shown),
            acr_values=_asked_for(broker, prompt),
            requested_expiry=int(min(LASTS, prompt.expires_at - at).total_seconds()),
            at=at,
            transfer_code=heard,
        )
    except Rejected as why:
        _keep_silent(request, at) if why.code is Code.UNKNOWN_PERSON else _fail(request, why.code, at)
        return
    _started(request, sent, start, at)


def _started(request: CibaRequest, sent: Sent, start: CibaStart, at: datetime) -> None:
    kept = replace(sent, auth_req_id=start.auth_req_id, expires_at=start.expires_at)
    notified = ciba.digest_of(start.notification_token).hex() if start.notification_token else ""
    with transaction.atomic():
        mine(request).update(
            sealed_request=sealed(request, kept),
            request_digest=digest(start.auth_req_id),
            notification_digest=notified,
            interval_seconds=start.interval,
            due_at=at + timedelta(seconds=start.interval),
            polling_until=None,
        )
        prompt_ends.note("prompt.pushed", request.prompt, "ok", at=at, broker=request.broker)


def _keep_silent(request: CibaRequest, at: datetime) -> None:
    """Let a request that reaches nobody end as if somebody had said no after a while: it tells nothing."""
    later = at + timedelta(seconds=20 + secrets.randbelow(40))
    kept = sealed(request, Sent(at, _letters(), silent=True))
    mine(request).update(sealed_request=kept, due_at=later, polling_until=None)


def _letters() -> str:
    return "".join(secrets.choice(LETTERS) for _letter in range(4))


def _hint(broker: Broker, prompt: Prompt, at: datetime) -> str:
    """Return the one hint by which the broker finds the person, "" when he can't be asked (7.1).

    He whose identity code isn't on the record can't: whoever answered couldn't be told to be him.
    """
    person = prompt.claim.person
    if person is None or not person.identity_mark:
        return ""
    if broker.login_hint == "customer_number":
        return person.number
    phone = _phone(broker, prompt, at)
    return phone.value if phone and phone.quarantined_until <= at else ""


def _phone(broker: Broker, prompt: Prompt, at: datetime) -> ContactChange | None:
    """Return the recorded telephone by which this broker finds the person: what he proves in the app leans on it."""
    person = prompt.claim.person if broker.login_hint == "phone" else None
    return person.contact(ContactChange.Kind.PHONE, at) if person else None


def message_of(prompt: Prompt, shown: str) -> str:
    """Return what the app shows: who asks, for what, and letters that the agent can say as well (7.1)."""
    action = declared(prompt.action) if prompt.action else None
    person = prompt.claim.person
    with translation.override(person.language if person else prompt.interaction.language):
        errand = str(action.errand) if action else _("who is calling")
    organisation = prompt.interaction.organisation.name[:40]
    text = "".join(sign if sign.isalnum() or sign in " .,:;!?/+-" else " " for sign in f"{organisation}: {errand}")
    return f"{text[: LONGEST_MESSAGE - 6]}, {shown}"


def _asked_for(broker: Broker, prompt: Prompt) -> tuple[str, ...]:
    action = declared(prompt.action) if prompt.action else None
    high = broker.acr_values("E_ID_HIGH") if action and action.required is Level.HIGH else ()
    return high or broker.acr_values("E_ID_SUBSTANTIAL")


def _ask(request: CibaRequest, sent: Sent, at: datetime) -> None:
    """Ask once. The answer is judged at the moment when it came, the next time is counted from this sending (10.1)."""
    broker, began = brokers.configured().get(request.broker), time.monotonic()
    if broker is None:
        _fail(request, Code.PROVIDER, at)
        return
    if request.interrupted:
        sent = _heard(request, sent, unheard=True)
    try:
        found = ciba.poll(broker, sent.start, at=at)
    except Rejected as why:
        _rejected(request, sent, why, at + timedelta(seconds=time.monotonic() - began))
        return
    now = at + timedelta(seconds=time.monotonic() - began)
    match found:
        case Identity():
            _answered(request, broker, sent, found, now)
        case SlowDown():
            request.interval_seconds = min(request.interval_seconds + found.by, ciba.LONGEST_INTERVAL)
            _again(request, sent, at)
        case Pending():
            _again(request, sent, at, found.retry_after or 0)


def _again(request: CibaRequest, sent: Sent, at: datetime, wait: int = 0) -> None:
    """Wait for the interval, or longer when the broker says so; of a prompt that has ended nothing more is asked."""
    _heard(request, sent, unheard=False)  # it has given no answer yet
    if _ended(request.prompt):
        done(request, at=at) if sent.last_look <= at else put_off(request, sent.last_look)
        return
    put_off(request, at + timedelta(seconds=max(request.interval_seconds, wait)))


def _heard(request: CibaRequest, sent: Sent, *, unheard: bool) -> Sent:
    """Note whether an answer may have come that nobody got: a broker gives it once (10.1.1), and then knows nothing."""
    kept = replace(sent, unheard=unheard)
    if kept != sent:
        mine(request).update(sealed_request=sealed(request, kept))
    return kept


def _rejected(request: CibaRequest, sent: Sent, why: Rejected, at: datetime) -> None:
    if why.retry:
        _heard(request, sent, unheard=True)  # what was lost on its way may have been the answer
        put_off(request, at + max(_wait(request), timedelta(seconds=request.interval_seconds)))
    elif why.code is Code.DECLINED:
        answers.decline(request.prompt_id, at=at)
        done(request, at=at)
    elif why.code is Code.EXPIRED and _ended(request.prompt):
        done(request, at=at)
    elif sent.unheard and why.code is Code.REPLAYED:
        _fail(request, ANSWER_LOST, at)
    else:
        _fail(request, why.code, at)


def _answered(request: CibaRequest, broker: Broker, sent: Sent, found: Identity, at: datetime) -> None:
    try:
        kind = judging.accepted_kind(broker, found, asked_at=sent.sent_at, demo=settings.DEMO)
    except Rejected as why:
        _fail(request, why.code, at)
        return
    answer = answers.Answer(
        kind=roads.kind_in_app(broker, kind),
        identity_mark=identity_mark(found.person),
        born=found.birth_date or born_of(found.person),
        authenticated_at=found.auth_time or sent.sent_at,
        broker=broker.code,
        acr=found.acr or "",
        leans_on=_phone(broker, request.prompt, sent.sent_at),
        saw_all=False,  # the message in an app has room for the action, not for all that would be done
    )
    answers.conclude(request.prompt_id, answer, at=at)
    done(request, at=at)


def _ended(prompt: Prompt) -> bool:
    return PromptEnd.objects.filter(prompt_id=prompt.pk).exists()


def _wait(request: CibaRequest) -> timedelta:
    wait: timedelta = timedelta(seconds=2) * 2 ** min(request.attempts, 5)
    return min(wait, LONGEST_WAIT)


def _end(request: CibaRequest, outcome: str, reason: str, at: datetime) -> None:
    with transaction.atomic():
        prompt_ends.end(prompts.locked(request.prompt_id), outcome, reason, at=at)
    done(request, at=at)


def _fail(request: CibaRequest, reason: str, at: datetime) -> None:
    answers.fail(request.prompt_id, reason, at=at)
    done(request, at=at)
