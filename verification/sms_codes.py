"""Codes by text message: a restricted authenticator (63B 3.1.3.3), for the keypad of the call that asked for them.

Asking does the same work for every number, somebody's or nobody's: it writes a row. What there is to send, and whether
it may be sent, is looked up after the commit by a task, so that neither words nor time tell who is a customer. A code
hangs on the claim under which it was asked for: no other call can use it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from audit.log import record
from notices.actions import send
from verification.interactions import Ended
from verification.models import Authenticator, Claim, ContactChange, Evidence, Interaction, KeypadRoad, SmsCode
from verification.policy import current
from verification.scene import current_claim

log = structlog.get_logger(__name__)


class Swapped(Enum):
    """Whether the SIM card behind a number was swapped or ported lately, as far as anybody can tell."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


SwapSignal = Callable[[str], Swapped]


def _nobody_knows(_number: str) -> Swapped:
    return Swapped.UNKNOWN


_signal: list[SwapSignal] = [_nobody_knows]


def ask_operator_with(signal: SwapSignal) -> None:
    """Have `signal` tell of swapped SIM cards (63B 3.1.3.3 asks to look): a number in, the answer out, no exception.

    It is asked by a worker and never while a caller waits on the line. Until one is given, nobody knows.
    """
    _signal[:] = [signal]


def sim_swap_signal(number: str) -> Swapped:
    """Return what the operator tells of a number. One that doesn't answer is unknown, which is not the same as no."""
    try:
        return _signal[0](number)
    except Exception as error:
        log.warning("sim_swap.unanswered", error=type(error).__name__)
        return Swapped.UNKNOWN


def offered() -> bool:
    """Tell whether codes by text message are worth anything here: a policy without them offers them to nobody."""
    return Evidence.Kind.SMS_CODE in current().worth


def ask_for(interaction_id: UUID, *, at: datetime) -> None:
    """Note that the caller wants a code by text message; it replaces an earlier one and sets no count back.

    The number of codes for one claimed number is limited, also for nobody's; beyond it nothing is noted, and the
    caller hears the same. The answer never tells whether a message leaves. Raises Ended.
    """
    with transaction.atomic():
        interaction = Interaction.objects.select_for_update().get(public_id=interaction_id)
        if not interaction.live:
            raise Ended
        claim = current_claim(interaction)
        if claim is None or not offered() or _too_many(claim.person_mark, at):
            _entry("sms_code.not_noted", interaction, claim, interaction.actor, at, {})
            return
        asked = SmsCode.objects.create(
            claim=claim, mark=claim.person_mark, sent_at=at, expires_at=at + current().sms_code.lasts
        )
        # The caller was told that it is the weaker way and what the other one is: 63B 3.2.9 wants it on record.
        _entry("sms_code.asked", interaction, claim, interaction.actor, at, {"notice": "given"})
        _hint(asked.pk)


def _too_many(mark: str, at: datetime) -> bool:
    limits, asked = current().sms_code, SmsCode.objects.filter(mark=mark)
    lately = asked.filter(sent_at__gt=at - timedelta(minutes=10)).count()
    today = asked.filter(sent_at__gt=at - timedelta(days=1)).count()
    return lately >= limits.per_ten_minutes or today >= limits.per_day


def _hint(code_id: int) -> None:
    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def hint() -> None:
        current_app.send_task("verification.tasks.settle_code", kwargs={"code_id": code_id}, ignore_result=True)

    transaction.on_commit(hint, robust=True)


def due(*, at: datetime, limit: int = 100) -> list[int]:
    """List the ids of codes that were asked for and not settled, the oldest first."""
    rows = SmsCode.objects.filter(settled_at=None, sent_at__lte=at).order_by("sent_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def settle(code_id: int, *, at: datetime) -> None:
    """Draw the code and send it, or find that nothing may be sent; once, however often this is asked."""
    swapped = _asked_of_operator(code_id, at)  # before anything is locked: the answer may take its time
    with transaction.atomic():
        rows = SmsCode.objects.select_for_update(of=("self",)).filter(pk=code_id, settled_at=None)
        found = rows.select_related("claim__person", "claim__speaker__interaction").first()
        if found is None:
            return
        contact = _phone(found.claim, at)
        withheld = _objection(found, contact, swapped, at)
        found.settled_at = at
        if not withheld and contact is not None:
            found.sent_to, found.hashed = contact, _send(found, contact, at)
        found.save(update_fields=["settled_at", "sent_to", "hashed"])
        kind = "sms_code.withheld" if withheld else "sms_code.sent"
        facts = {"reason": withheld, "sim_swap": swapped.value}
        _entry(kind, found.claim.speaker.interaction, found.claim, "system:verification.settle_code", at, facts)


def _asked_of_operator(code_id: int, at: datetime) -> Swapped:
    found = SmsCode.objects.filter(pk=code_id, settled_at=None).select_related("claim__person").first()
    contact = _phone(found.claim, at) if found else None
    return sim_swap_signal(contact.value) if contact else Swapped.UNKNOWN


def _phone(claim: Claim, at: datetime) -> ContactChange | None:
    """Return the recorded telephone of who speaks: the number that he calls from, or says, is never asked."""
    return claim.person.contact(ContactChange.Kind.PHONE, at) if claim.person else None


def _objection(asked: SmsCode, contact: ContactChange | None, swapped: Swapped, at: datetime) -> str:
    """Say why nothing is sent, "" when it is: for the log, never for the caller."""
    newer = SmsCode.objects.filter(claim=asked.claim, pk__gt=asked.pk).exists()
    roads = KeypadRoad.objects.filter(mark=asked.mark, kind=Authenticator.Kind.SMS, disabled_at__isnull=False)
    objections = {
        "NO_PHONE": contact is None,
        "QUARANTINE": contact is not None and contact.quarantined_until > at,
        "LATE": asked.expires_at <= at or newer or not asked.claim.speaker.interaction.live,
        "CLOSED": roads.exists(),
        "SWAPPED": swapped is Swapped.YES,
        "SWAP_UNKNOWN": swapped is Swapped.UNKNOWN and current().sms_code.unknown_swap != "SEND",
    }
    return next((reason for reason, stands in objections.items() if stands), "")


def _send(asked: SmsCode, contact: ContactChange, at: datetime) -> str:
    """Send a fresh code (63B 3.1.3.2: six digits of an approved generator) and return its keyed hash.

    The digits are in the sealed message and nowhere else.
    """
    code, customer = f"{secrets.randbelow(1_000_000):06d}", contact.customer
    with translation.override(asked.claim.speaker.interaction.language):
        send(
            subject=str(customer.pseudonym),
            channel="SMS",
            address=contact.value,
            language=translation.get_language(),
            title=_("Your code"),
            text=_(
                "%(code)s is your code for the call that you are making to us. Key it in on your telephone. Read it to "
                "nobody: we never ask for it aloud. If you are not calling us now, somebody uses your name: call us."
            )
            % {"code": code},
            about="sms_code",
            at=at,
            organisation=str(customer.organisation_id),
        )
    return _hashed(asked, code)


def matching(claim: Claim | None, code: str, at: datetime) -> SmsCode | None:
    """Return the code of this claim that was typed, or None; the newest counts, while it lasts, and once.

    Asks the database the same whether or not there is one.
    """
    asked = SmsCode.objects.filter(claim_id=claim.pk if claim else 0).select_related("sent_to").order_by("-pk").first()
    same = hmac.compare_digest(_hashed(asked, code), asked.hashed if asked else "")
    if asked is None or asked.sent_to is None or asked.used_at is not None or asked.expires_at <= at:
        return None
    return asked if same else None


def use(found: SmsCode, at: datetime) -> None:
    """Use a code up, for who holds the lock on its interaction."""
    found.used_at = at
    found.save(update_fields=["used_at"])


def _hashed(asked: SmsCode | None, code: str) -> str:
    """Return the keyed hash of a code, its own for every row: equal codes of two people have nothing in common."""
    return hmac.new(settings.FIELD_KEY, f"sms:{asked.pk if asked else 0}:{code}".encode(), sha256).hexdigest()


def _entry(
    kind: str, interaction: Interaction, claim: Claim | None, actor: str, at: datetime, facts: dict[str, Any]
) -> None:
    person = claim.person if claim else None
    record(
        kind=kind,
        actor=actor,
        subject=str(person.pseudonym if person else interaction.pseudonym),
        at=at,
        outcome="ok",
        purpose="make sure that the right person is served",
        organisation=str(interaction.organisation_id),
        facts={"interaction": str(interaction.public_id), **facts},
    )
