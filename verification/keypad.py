"""Codes typed on the keypad. Whatever is wrong - the number, the code, too many tries - takes the same steps and time.

A code is a parameter of one function and goes no further: what is kept is that a try was made and whether it matched.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from hashlib import sha256
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from django.conf import settings
from django.db import transaction
from django.db.models import Q, Subquery
from django.utils.translation import gettext_lazy
from django_otp.oath import TOTP

from audit import keys
from audit.log import record
from verification import sms_codes
from verification.evidence import note
from verification.interactions import Ended
from verification.models import (
    Authenticator,
    Claim,
    CodeTry,
    Customer,
    Evidence,
    Interaction,
    KeypadRoad,
    ListCode,
    ListCodeUse,
    SmsCode,
)
from verification.policy import Keypad, current
from verification.scene import current_claim
from verification.telling import tell

LIST_LENGTH = 20
FEW_LEFT = 3
STEP_SECONDS = 30
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's setting for argon2id


class Typed(Enum):
    """What came of a code, for dialogue and agent; the caller hears MATCHED or one sentence for all the rest."""

    MATCHED = "MATCHED"
    WRONG = "WRONG"
    BACKING_OFF = "BACKING_OFF"


def challenge(number: str, *, at: datetime) -> int:
    """Return the printed index whose code is asked for: one still unused, steady until it is used.

    A number without a list, or with one that is used up, is asked for an index that is as steady and moves on as seldom
    as that of a list in use. So neither an index that stays nor one that has moved tells whether there is a list.
    """
    unused = set(ListCode.objects.filter(_still_listed(number, at)).values_list("index", flat=True))
    order = sorted(unused.union(range(1, LIST_LENGTH + 1)), key=lambda index: _keyed(f"challenge:{number}:{index}"))
    pretended = order[_moves(number, at) % len(order)]
    return next((index for index in order if index in unused), pretended)


def _moves(number: str, at: datetime) -> int:
    """Count how often the index of a number without a list has moved: every 5 to 36 days, at an hour of its own."""
    secret = _keyed(f"pretended use:{number}")
    period = 5 * 86_400 + int.from_bytes(secret[:8]) % (31 * 86_400)
    return (int(at.timestamp()) + int.from_bytes(secret[8:16]) % period) // period


def _still_listed(number: str, at: datetime) -> Q:
    """Ask for the unused codes of the list in force: a list that took another's place is asked for alone."""
    lists = Authenticator.objects.in_force(at).filter(customer__number=number[:8], kind=Authenticator.Kind.CODE_LIST)
    return Q(authenticator_id=Subquery(lists.values("pk")[:1]), use__isnull=True)


def check(interaction_id: UUID, *, kind: str, code: str, index: int = 0, at: datetime, key: str) -> Typed:
    """Judge one typed code under the current claim, and note evidence when it matches.

    `kind` is an Authenticator.Kind, `index` the challenged index of a code list, `key` the turn it was typed in: the
    same key again is the same try. Commits what it counted whatever the outcome. Raises Ended.
    """
    with transaction.atomic(durable=True):
        interaction = Interaction.objects.select_for_update().get(public_id=interaction_id)
        if earlier := CodeTry.objects.filter(key=key).first():
            return Typed.MATCHED if earlier.outcome == CodeTry.Outcome.MATCHED else Typed.WRONG
        if not interaction.live:
            raise Ended
        return _judge(interaction, kind, code, index, at, key)


def _judge(interaction: Interaction, kind: str, code: str, index: int, at: datetime, key: str) -> Typed:
    claim = current_claim(interaction)
    found = _authenticator(claim, kind, at)
    counters = _road(claim.person_mark if claim else "", kind)
    slowed = _slowed(interaction, counters, at)
    proof = _proof(kind, found, claim, counters, code, index, at)
    outcome = _outcome(bool(proof), slowed)
    if proof and outcome is Typed.MATCHED and claim:
        _accept(claim, counters, proof, at)
    else:
        outcome = Typed.WRONG if outcome is Typed.MATCHED else outcome
        _count_failure(counters, slowed, at)
    _keep(interaction, claim, outcome, at, key)
    return outcome


def _proof(
    kind: str,
    found: Authenticator | None,
    claim: Claim | None,
    counters: KeypadRoad,
    code: str,
    index: int,
    at: datetime,
) -> int | ListCode | SmsCode | None:
    match kind:
        case Authenticator.Kind.TOTP:
            return _totp(found, counters, code, at)
        case Authenticator.Kind.SMS:
            return sms_codes.matching(claim, code, at)
        case _:
            return _listed(found, code, index)


def _outcome(proven: bool, slowed: bool) -> Typed:
    if slowed:
        return Typed.BACKING_OFF
    return Typed.MATCHED if proven else Typed.WRONG


def _authenticator(claim: Claim | None, kind: str, at: datetime) -> Authenticator | None:
    """Return the speaker's own authenticator: who acts for another proves himself with his, never with the other's."""
    return Authenticator.objects.in_force(at).filter(customer_id=(claim and claim.person_id) or 0, kind=kind).first()


def _road(mark: str, kind: str) -> KeypadRoad:
    """Return the counters of a claimed number, locked; made when it is claimed for the first time, whoever's it is."""
    KeypadRoad.objects.bulk_create([KeypadRoad(mark=mark, kind=kind)], ignore_conflicts=True)
    return KeypadRoad.objects.select_for_update().get(mark=mark, kind=kind)


def _slowed(interaction: Interaction, counters: KeypadRoad, at: datetime) -> bool:
    """Tell whether the keypad road is slow or closed: for this number, this call, or everywhere (spraying)."""
    limits = current().keypad
    failed = CodeTry.objects.filter(outcome=CodeTry.Outcome.NOT_MATCHED)
    sprayed = failed.filter(tried_at__gt=at - timedelta(hours=1)).count() >= limits.failures_per_hour_everywhere
    tried = CodeTry.objects.filter(interaction=interaction).count() >= limits.tries_per_call
    slow = counters.backing_off_until is not None and counters.backing_off_until > at
    return sprayed or tried or slow or counters.disabled_at is not None


def _totp(found: Authenticator | None, counters: KeypadRoad, code: str, at: datetime) -> int | None:
    """Return the matched time step, or None.

    RFC 6238, one step of drift; a step at or before the last accepted is a replay.
    """
    secret = keys.unseal(bytes(found.sealed_secret), context="totp") if found else _keyed("decoy")[:20]
    totp = TOTP(secret, step=STEP_SECONDS, digits=6)
    totp.time = at.timestamp()
    matched = totp.verify(int(code), tolerance=1) if _six_digits(code) else totp.verify(-1, tolerance=1)
    step = totp.t()
    fresh = step > counters.last_step
    return step if matched and found and fresh else None


def _listed(found: Authenticator | None, code: str, index: int) -> ListCode | None:
    """Return the matched unused code beside `index`, or None; a decoy is hashed when there is none."""
    asked = Q(authenticator_id=found.pk if found else 0, index=index, use__isnull=True)
    listed = ListCode.objects.filter(asked).first()
    try:
        _HASHER.verify(listed.hashed if listed else _decoy(), peppered(code))
    except Argon2Error:
        return None
    return listed if _six_digits(code) else None


def _accept(claim: Claim, counters: KeypadRoad, proof: int | ListCode | SmsCode, at: datetime) -> None:
    """Use the code up, forget earlier failures of this authenticator (63B 3.2.2), and note the evidence."""
    rests_on = None
    match proof:
        case ListCode():
            ListCodeUse.objects.create(code=proof, used_at=at)
            _offer_new_list(claim, at)
            seen = Evidence.Kind.KEYPAD_CODE_LIST
        case SmsCode():
            sms_codes.use(proof, at)
            seen, rests_on = Evidence.Kind.SMS_CODE, proof.sent_to
        case _:
            counters.last_step = proof
            seen = Evidence.Kind.KEYPAD_TOTP
    counters.failures, counters.backing_off_until = 0, None
    counters.save(update_fields=["last_step", "failures", "backing_off_until"])
    note(claim, seen, at=at, by=None, rests_on=rests_on)


def few_codes_left(interaction_id: UUID) -> int | None:
    """Return how many codes are left on the list that was just used in this contact; None while there are plenty."""
    seen = Evidence.objects.filter(claim__speaker__interaction__public_id=interaction_id).order_by("-pk").first()
    if seen is None or seen.kind != Evidence.Kind.KEYPAD_CODE_LIST or seen.claim.person_id is None:
        return None
    left = _left(seen.claim)
    return left if left <= FEW_LEFT else None


def _left(claim: Claim) -> int:
    of_his = ListCode.objects.filter(customer_id=claim.person_id or 0)
    return of_his.filter(use__isnull=True, authenticator__end__isnull=True).count()


def _offer_new_list(claim: Claim, at: datetime) -> None:
    """Write to the customer when few codes are left, and when none is: he can have a new list in good time."""
    left = _left(claim)
    if claim.person is not None and left in (FEW_LEFT, 0):
        tell(
            claim.person,
            claim.person.recorded_contacts(at),
            title=gettext_lazy("Your code list is running out"),
            text=gettext_lazy(
                "A code of your printed list was used, and few or none are left on it. You are given a new list at our "
                "office, or you can take a code app into use there."
            ),
            about="code_list_low",
            reference=claim.speaker.interaction.public_id,
            at=at,
        )


def _count_failure(counters: KeypadRoad, slowed: bool, at: datetime) -> None:
    """Count one more failure in a row.

    What is typed while the road is slow does not make it slower: that would be a lock-out.
    """
    limits = current().keypad
    failures = counters.failures + (0 if slowed else 1)
    counters.backing_off_until = _back_off(limits, failures, counters, at)
    counters.disabled_at = (counters.disabled_at or at) if failures >= limits.disable_at else None
    counters.failures = failures
    counters.save(update_fields=["failures", "backing_off_until", "disabled_at"])


def _back_off(limits: Keypad, failures: int, counters: KeypadRoad, at: datetime) -> datetime | None:
    if failures < limits.back_off_from:
        return None
    if counters.failures == failures:
        return counters.backing_off_until
    doubled: timedelta = limits.back_off_first * 2 ** min(failures - limits.back_off_from, 12)
    return at + min(doubled, limits.back_off_longest)


def _keep(interaction: Interaction, claim: Claim | None, outcome: Typed, at: datetime, key: str) -> None:
    matched = outcome is Typed.MATCHED
    word = CodeTry.Outcome.MATCHED if matched else CodeTry.Outcome.NOT_MATCHED
    CodeTry.objects.create(key=key, interaction=interaction, outcome=word, tried_at=at)
    interaction.keypad = outcome.value
    interaction.save(update_fields=["keypad"])
    customer: Customer | None = claim.customer if claim else None
    record(
        kind="keypad.code_tried",
        actor=interaction.actor,
        subject=str(customer.pseudonym if customer else interaction.pseudonym),
        at=at,
        outcome="matched" if matched else "not_matched",
        purpose="make sure that the right person is served",
        organisation=str(interaction.organisation_id),
        facts={"interaction": str(interaction.public_id), "keypad": outcome.value},
    )


def hash_code(code: str) -> str:
    """Return the salted argon2id hash under which a list code is kept (63B 3.1.2.2), peppered with FIELD_KEY."""
    return _HASHER.hash(peppered(code))


def peppered(code: str) -> bytes:
    return _keyed(f"code:{code}")


@cache
def _decoy() -> str:
    return hash_code("no such code")


def _keyed(text: str) -> bytes:
    return hmac.new(settings.FIELD_KEY, text.encode(), sha256).digest()


def _six_digits(code: str) -> bool:
    return len(code) == 6 and code.isascii() and code.isdigit()
