"""What a customer is sent and we keep only by its hash: visit codes, and the secrets of his page."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from hashlib import sha256
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from django.conf import settings
from django.db import transaction
from django.db.models import F

from audit.log import record
from verification.evidence import see_visit_code
from verification.keypad import peppered
from verification.models import ContactChange, Staff
from verification.policy import current
from visits.models import Visit, VisitCode, VisitToken

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 13  # 65 bits; 63B 4.2.1.1 asks 64 of a saved code
MOST_FAILURES = 10
MOST_SENT = 2  # to a phone and an e-mail address
BROWSER_LASTS = timedelta(minutes=30)
LINK_OUTLIVES = timedelta(days=1)
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # below 112 bits: 63B 3.1.2.2
_MISREAD = str.maketrans("ILO", "110", " -\t\r\n")


class Shown(Enum):
    """What came of a visit code shown at the desk."""

    MATCHED = "MATCHED"
    WRONG = "WRONG"
    TOO_YOUNG = "TOO_YOUNG"
    CONTACT = "CONTACT"
    TOO_MANY = "TOO_MANY"


def issue_code(visit: Visit, contact: ContactChange, *, at: datetime) -> str:
    """Make a visit code for one recorded contact and return it for the message; only its hash stays."""
    code = "".join(secrets.choice(CROCKFORD) for _ in range(LENGTH))
    VisitCode.objects.create(visit=visit, contact=contact, hashed=_HASHER.hash(peppered(code)), sent_at=at)
    return f"{code[:4]}-{code[4:9]}-{code[9:]}"


def show_code(visit: Visit, typed: str, *, interaction_id: UUID, by: Staff, at: datetime) -> Shown:
    """Hold a code that the customer shows at the desk against those sent for this visit; note evidence if it counts.

    It counts when it was sent longer ago than the policy asks, to a contact that is still in force and out of
    quarantine, and wasn't used. Commits what it counted. Raises verification.evidence.NotSeen and Ended.
    """
    with transaction.atomic(durable=True):
        codes = list(VisitCode.objects.select_for_update(of=("self",)).select_related("contact").filter(visit=visit))
        outcome, code = _judged(visit, codes, typed, at)
        if code is not None and outcome is Shown.MATCHED:
            see_visit_code(interaction_id, by=by, at=at, rests_on=code.contact)
            VisitCode.objects.filter(pk=code.pk).update(used_at=at)
        elif outcome in (Shown.WRONG, Shown.TOO_MANY):
            VisitCode.objects.filter(visit=visit).update(failures=F("failures") + 1)
        _entry(visit, outcome, by, at)
        return outcome


def _judged(visit: Visit, codes: list[VisitCode], typed: str, at: datetime) -> tuple[Shown, VisitCode | None]:
    found = _matching(codes, typed)
    if any(code.failures >= MOST_FAILURES for code in codes):
        return Shown.TOO_MANY, None
    if visit.state == Visit.State.CANCELLED or found is None:
        return Shown.WRONG, None
    if at - found.sent_at <= current().visit_code_age:
        return Shown.TOO_YOUNG, None
    if found.contact.quarantined_until > at or found.contact not in found.contact.customer.recorded_contacts(at):
        return Shown.CONTACT, None
    return Shown.MATCHED, found


def _matching(codes: list[VisitCode], typed: str) -> VisitCode | None:
    """Find the unused code that was typed. As much is hashed for a visit for which none was sent as for any other."""
    plain = typed.upper().translate(_MISREAD)
    if len(plain) != LENGTH or not set(plain) <= set(CROCKFORD):
        return None
    same = [code for code in codes if _same(code.hashed, plain) and code.used_at is None]
    for _ in range(MOST_SENT - len(codes)):
        _same(_nobodys(), plain)
    return same[0] if same else None


def _same(hashed: str, plain: str) -> bool:
    try:
        return _HASHER.verify(hashed, peppered(plain))
    except Argon2Error:
        return False


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_urlsafe())


def issue_link(visit: Visit) -> str:
    """Make a link to the customer's page and return its address; only the secret's hash stays."""
    token = _token(visit, VisitToken.Kind.LINK, expires_at=visit.ends_at + LINK_OUTLIVES)
    return f"{settings.PUBLIC_URL}/v/{token}/"


def visit_of(token: str, kind: str, *, at: datetime) -> Visit | None:
    """Return the visit that a secret opens now, or None; nothing is used up by it."""
    found = VisitToken.objects.select_related("visit__office", "visit__organisation", "visit__customer").filter(
        digest=_digest(token), kind=kind, expires_at__gt=at, revoked_at__isnull=True
    )
    row = found.first()
    return row.visit if row else None


def trade(token: str, *, at: datetime) -> str | None:
    """Trade a link's secret for a browser's, which lasts half an hour; the link itself can be followed again."""
    visit = visit_of(token, VisitToken.Kind.LINK, at=at)
    return _token(visit, VisitToken.Kind.BROWSER, expires_at=at + BROWSER_LASTS) if visit else None


def revoke(visit: Visit, *, at: datetime) -> None:
    """Close every link that was sent; browsers that are in stay until their half hour is over."""
    VisitToken.objects.filter(visit=visit, kind=VisitToken.Kind.LINK, revoked_at__isnull=True).update(revoked_at=at)


def _token(visit: Visit, kind: str, *, expires_at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    VisitToken.objects.create(visit=visit, kind=kind, digest=_digest(token), expires_at=expires_at)
    return token


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _entry(visit: Visit, outcome: Shown, by: Staff, at: datetime) -> None:
    record(
        kind="visit.code_shown",
        actor=by.actor,
        subject=str(visit.customer.pseudonym if visit.customer else visit.public_id),
        at=at,
        outcome=outcome.value.lower(),
        purpose="make sure that the right person is served at the desk",
        organisation=str(visit.organisation_id),
        facts={"visit": str(visit.public_id)},
    )
