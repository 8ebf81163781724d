"""A prompt's login at a broker: begun in one browser, and answered in no other.

The state that the broker brings back finds the login; the browser proves by a cookie of its own that it began it. So
neither can somebody else's login be slipped into a browser, nor a login begun elsewhere be finished by a victim.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from audit import keys
from verification import answers, prompts
from verification.declarations import declared
from verification.eid import brokers, client, judging
from verification.eid.brokers import RETURN_PATH, Broker
from verification.eid.client import LoginStart
from verification.eid.rejected import Code, Rejected
from verification.levels import Level
from verification.models import BrokerLogin, Prompt, PromptEnd
from verification.numbers import born_of, identity_mark
from verification.page_keys import digest
from verification.prompt_ends import note

MOST_LOGINS = 6  # of one prompt: a person changes his bank or his mind now and then
BROWSER = "BROWSER"
TRY_AGAIN = frozenset({Code.UNREACHABLE, Code.DECLINED})  # nothing was proved, and nothing speaks against him

log = structlog.get_logger(__name__)


class NotOpen(RuntimeError):
    """Tell that nothing can be begun for this prompt: it has ended, the words lack, or too many logins were begun."""


def begin(prompt: Prompt, code: str, *, browser: str, language: str, at: datetime) -> str:
    """Begin a login at one broker for this browser and return where to send it. Raises NotOpen or Rejected."""
    broker = brokers.configured().get(code)
    if broker is None or not broker.login or not _may_begin(prompt, at):
        raise NotOpen
    start = client.begin_login(
        broker, redirect_uri=_return_to(broker), acr_values=_asked_for(broker, prompt), at=at, language=language
    )
    with transaction.atomic():
        if not _may_begin(prompts.locked(prompt.pk), at):
            raise NotOpen
        BrokerLogin.objects.create(
            prompt=prompt,
            broker=code,
            state_digest=digest(start.state),
            browser_digest=digest(browser),
            sealed_start=_sealed(start),
            begun_at=at,
        )
        note("prompt.login_begun", prompt, "ok", at=at, broker=code)
    return start.url


def _may_begin(prompt: Prompt, at: datetime) -> bool:
    still = Prompt.objects.open(at).filter(pk=prompt.pk, progress__matched_at__isnull=False).exists()
    return still and prompt.logins.count() < MOST_LOGINS


def _asked_for(broker: Broker, prompt: Prompt) -> tuple[str, ...]:
    """Return the values to ask for: those that reach what the action needs, or the broker's all. None of them binds."""
    action = declared(prompt.action) if prompt.action else None
    high = broker.acr_values("E_ID_HIGH") if action and action.required is Level.HIGH else ()
    return high or broker.acr_values("E_ID_SUBSTANTIAL")


def _return_to(broker: Broker) -> str:
    return f"{settings.PUBLIC_URL}{RETURN_PATH.format(code=broker.code)}"


def _sealed(start: LoginStart) -> bytes:
    kept = json.dumps([start.state, start.nonce, start.verifier])
    return keys.seal(kept, context=f"login:{digest(start.state)}")


def _opened(login: BrokerLogin) -> LoginStart:
    kept = keys.unseal(bytes(login.sealed_start), context=f"login:{login.state_digest}")
    return LoginStart("", *json.loads(kept))


def receive(code: str, *, returned: Mapping[str, str], browser: str, at: datetime) -> None:
    """Take what a browser brought back from the broker `code`, and judge it. Each reason why not is an entry."""
    login = BrokerLogin.objects.filter(state_digest=digest(returned.get("state", "")[:200])).first()
    if login is None:
        _unknown(browser, at)
    elif login.broker != code:
        answers.fail(login.prompt_id, Code.ISSUER, at=at)  # another broker answers for it (mix-up)
    elif not hmac.compare_digest(login.browser_digest, digest(browser)):
        answers.fail(login.prompt_id, BROWSER, at=at)
    elif not _first_answer(login, at):
        answers.reject(login.prompt_id, Code.REPLAYED, at=at)
    else:
        _judge(login, brokers.configured().get(code), returned, at)


def _unknown(browser: str, at: datetime) -> None:
    """Note an answer to a login that was never begun; who sends one to somebody must not end his prompt by it."""
    mine = latest_of(browser)
    if mine is None:
        log.warning("login.unknown_state")
    else:
        answers.reject(mine.prompt_id, Code.STATE, at=at)


def latest_of(browser: str) -> BrokerLogin | None:
    """Return the newest login that this browser has begun, or None."""
    found = BrokerLogin.objects.filter(browser_digest=digest(browser)) if browser else BrokerLogin.objects.none()
    return found.select_related("prompt__interaction__organisation", "prompt__claim__person").order_by("-pk").first()


def _first_answer(login: BrokerLogin, at: datetime) -> bool:
    return BrokerLogin.objects.filter(pk=login.pk, returned_at=None).update(returned_at=at) == 1


def _judge(login: BrokerLogin, broker: Broker | None, returned: Mapping[str, str], at: datetime) -> None:
    """Redeem and judge outside any transaction: the broker may take its time, and a lock must not."""
    if broker is None:
        answers.fail(login.prompt_id, Code.PROVIDER, at=at)
        return
    try:
        found = client.finish_login(broker, _opened(login), redirect_uri=_return_to(broker), returned=returned, at=at)
        kind = judging.accepted_kind(broker, found, asked_at=login.begun_at, demo=settings.DEMO)
    except Rejected as why:
        (answers.reject if why.code in TRY_AGAIN else answers.fail)(login.prompt_id, why.code, at=at)
        return
    answers.conclude(
        login.prompt_id,
        answers.Answer(
            kind=kind,
            identity_mark=identity_mark(found.person),
            born=found.birth_date or born_of(found.person),
            authenticated_at=found.auth_time or login.begun_at,
            broker=broker.code,
            acr=found.acr or "",
        ),
        at=at,
    )


def outcome_of(prompt: Prompt, at: datetime) -> str:
    """Tell where a prompt stands: the code of its end, or OPEN; one that nobody can answer any more is EXPIRED.

    What its owner took back after he had approved is DECLINED too: nothing of it counts.
    """
    end = PromptEnd.objects.filter(prompt=prompt).first()
    if end is not None:
        return PromptEnd.Outcome.DECLINED.value if answers.taken_back(prompt) else end.outcome
    return "OPEN" if prompt.expires_at > at and prompt.interaction.live else PromptEnd.Outcome.EXPIRED.value
