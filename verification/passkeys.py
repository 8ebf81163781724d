"""A customer's passkeys on his own page: an answer counts for one prompt, in one browser, once, within five minutes.

Nothing tells apart who has none, except that his page does not offer it: it is reached by his link alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from webauthn import generate_authentication_options, options_to_json, verify_authentication_response
from webauthn.helpers import (
    generate_challenge,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_client_data_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from audit import keys
from verification import answers, prompts, relying_party
from verification.logins import BROWSER, MOST_LOGINS, NotOpen
from verification.models import BrokerLogin, Passkey, PasskeyUse, Prompt
from verification.page_keys import digest
from verification.prompt_ends import note

LOGIN, MAKING = "passkey", "passkey-new"  # where a login names its broker: these are none
GOOD_FOR: Final = timedelta(minutes=5)
LARGEST: Final = 20_000  # characters of a browser's answer
UNREADABLE: Final = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
MALFORMED, STATE, REPLAYED, LATE = "PASSKEY_MALFORMED", "STATE", "REPLAYED", "PASSKEY_LATE"
UNKNOWN, ORIGIN, HOST = "PASSKEY_UNKNOWN", "PASSKEY_ORIGIN", "PASSKEY_HOST"
NOT_VERIFIED, SIGNATURE, COUNTER = "PASSKEY_NOT_VERIFIED", "PASSKEY_SIGNATURE", "PASSKEY_COUNTER"
TRY_AGAIN: Final = frozenset({MALFORMED, STATE, REPLAYED, LATE, UNKNOWN, NOT_VERIFIED})
"""Nothing was proved by these, and nothing speaks against him: the prompt stays open."""


class Bad(ValueError):
    """Tell why an answer counts for nothing; `code` is for the log alone."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def of(prompt: Prompt, at: datetime) -> QuerySet[Passkey]:
    """Return the speaker's own passkeys that count at `at`."""
    return Passkey.objects.in_force(at).filter(customer_id=prompt.claim.person_id or 0)


def offered(prompt: Prompt, at: datetime) -> bool:
    """Tell whether this person's page offers a passkey."""
    return relying_party.possible() and of(prompt, at).exists()


def begin(prompt: Prompt, *, browser: str, at: datetime) -> str:
    """Begin a login with a passkey in this browser; return the browser's options as JSON. Raises NotOpen."""
    allowed = [PublicKeyCredentialDescriptor(id=bytes(each.credential_id)) for each in of(prompt, at)]
    if not allowed:
        raise NotOpen
    challenge = remember(prompt, LOGIN, browser=browser, may=_may_begin, at=at)
    options = generate_authentication_options(
        rp_id=relying_party.host(),
        challenge=challenge,
        timeout=int(GOOD_FOR.total_seconds() * 1000),
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def remember(
    prompt: Prompt, what: str, *, browser: str, may: Callable[[Prompt, datetime], bool], at: datetime
) -> bytes:
    """Make a challenge for this prompt and browser, keep it sealed, and return it. Raises NotOpen unless it `may`."""
    challenge = generate_challenge()
    with transaction.atomic():
        here = prompts.locked(prompt.pk)
        if not may(here, at) or here.logins.filter(broker=what).count() >= MOST_LOGINS:
            raise NotOpen
        mark = _mark(challenge)
        BrokerLogin.objects.create(
            prompt=here,
            broker=what,
            state_digest=mark,
            browser_digest=digest(browser),
            sealed_start=keys.seal(challenge, context=f"login:{mark}"),
            begun_at=at,
        )
        note("prompt.login_begun", here, "ok", at=at, broker=what)
    return challenge


def _may_begin(prompt: Prompt, at: datetime) -> bool:
    return Prompt.objects.open(at).filter(pk=prompt.pk, progress__matched_at__isnull=False).exists()


def _mark(challenge: bytes) -> str:
    return sha256(b"passkey:" + challenge).hexdigest()


def receive(prompt: Prompt, sent: str, *, browser: str, at: datetime) -> str:
    """Judge what a browser sent for its prompt; return "" when he has proved himself, else the reason's code."""
    try:
        answer = _read(sent)
        challenge = parse_client_data_json(answer.response.client_data_json).challenge
        login = taken(prompt, LOGIN, challenge, browser=browser, at=at)
        key = _key(answer)
        counter = _verified(answer, key, _challenge(login))
    except Bad as why:
        return _counts_for_nothing(prompt, why.code, at)
    except UNREADABLE:
        return _counts_for_nothing(prompt, MALFORMED, at)
    return _conclude(prompt, key, counter, at)


def _read(sent: str) -> AuthenticationCredential:
    if len(sent) > LARGEST:
        raise Bad(MALFORMED)
    return parse_authentication_credential_json(sent)


def taken(prompt: Prompt, what: str, challenge: bytes, *, browser: str, at: datetime) -> BrokerLogin:
    """Take a login's one answer. Raises Bad when it was never begun here, was answered before, or is late."""
    login = BrokerLogin.objects.filter(prompt=prompt, broker=what, state_digest=_mark(challenge)).first()
    if login is None:
        raise Bad(STATE)
    if not hmac.compare_digest(login.browser_digest, digest(browser)):
        raise Bad(BROWSER)
    if BrokerLogin.objects.filter(pk=login.pk, returned_at=None).update(returned_at=at) != 1:
        raise Bad(REPLAYED)
    if at - login.begun_at > GOOD_FOR:
        raise Bad(LATE)
    return login


def _challenge(login: BrokerLogin) -> bytes:
    return keys.unseal(bytes(login.sealed_start), context=f"login:{login.state_digest}")


def _key(answer: AuthenticationCredential) -> Passkey:
    """Return the passkey that was used, whoever's it is: another's is refused by name, not as unknown."""
    found = Passkey.objects.filter(credential_digest=sha256(answer.raw_id).hexdigest(), end__isnull=True).first()
    if found is None:
        raise Bad(UNKNOWN)
    return found


def _verified(answer: AuthenticationCredential, key: Passkey, challenge: bytes) -> int:
    """Verify the signature over exactly this (WebAuthn 3, 7.2) and return the counter, which is judged later."""
    try:
        verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=relying_party.host(),
            expected_origin=relying_party.origin(),
            credential_public_key=bytes(key.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except UNREADABLE as error:
        raise Bad(_reason(answer)) from error
    return parse_authenticator_data(answer.response.authenticator_data).sign_count


def _reason(answer: AuthenticationCredential) -> str:
    """Name what was wrong with an answer that is refused already."""
    data = parse_authenticator_data(answer.response.authenticator_data)
    if parse_client_data_json(answer.response.client_data_json).origin != relying_party.origin():
        return ORIGIN
    if data.rp_id_hash != sha256(relying_party.host().encode()).digest():
        return HOST
    return SIGNATURE if data.flags.uv and data.flags.up else NOT_VERIFIED


def _counts_for_nothing(prompt: Prompt, reason: str, at: datetime) -> str:
    return (answers.reject if reason in TRY_AGAIN else answers.fail)(prompt.pk, reason, at=at)


def _conclude(prompt: Prompt, key: Passkey, counter: int, at: datetime) -> str:
    """Hold the counter against the last one, note it, and let the prompt's own rules decide, all in one transaction.

    A counter that does not go up is a copied key (WebAuthn 3, 6.1.1); keys that never count say 0.
    """
    with transaction.atomic():
        prompts.locked(prompt.pk)  # first, as everywhere: the contact before what hangs on it
        PasskeyUse.objects.get_or_create(passkey=key)
        use = PasskeyUse.objects.select_for_update().get(passkey=key)
        if counter <= use.counter and (counter or use.counter):
            return answers.fail(prompt.pk, COUNTER, at=at)
        use.counter, use.used_at = counter, at
        use.save(update_fields=["counter", "used_at"])
        if not of(prompt, at).filter(pk=key.pk).exists() and key.customer_id == prompt.claim.person_id:
            return answers.fail(prompt.pk, UNKNOWN, at=at)  # it does not count yet
        return answers.conclude(prompt.pk, _proof(key, at), at=at)


def _proof(key: Passkey, at: datetime) -> answers.Answer:
    return answers.Answer(
        kind="PASSKEY", identity_mark="", authenticated_at=at, broker=LOGIN, acr="", customer_id=key.customer_id
    )
