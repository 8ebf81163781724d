"""Coming in through the API: password and second factor for a token. Every token and every failed try is an entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from axes.utils import reset
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.log import record
from verification.accounts import only_organisation
from verification.models import Staff, StaffToken

LIVES = timedelta(minutes=60)
FRESH = timedelta(minutes=10)
"""How long a second factor is good for what weighs most, through any door."""


class NotProven(RuntimeError):
    """Refuse a token. Which of name, password and code was wrong is told to nobody (ASVS 6.3.8)."""


@dataclass(frozen=True)
class Proof:
    """What was typed to come in."""

    username: str
    password: str
    otp: str


def issue(proof: Proof, *, request: HttpRequest, address: str, at: datetime) -> tuple[str, StaffToken]:
    """Return a new token in clear, this once, and its row. Raises NotProven.

    Passwords are throttled per name and address by django-axes, codes per device by django-otp, and a wrong code counts
    as a wrong password does.
    """
    staff = _of_password(proof, request)
    if staff is None:
        return _refuse(proof, address, at, factor="password")
    if not _code_accepted(staff, proof.otp):
        user_login_failed.send(__name__, credentials={"username": proof.username}, request=request)
        return _refuse(proof, address, at, factor="otp")
    reset(ip=getattr(request, "axes_ip_address", None), username=proof.username)
    with transaction.atomic():
        word, token = _made(staff, at=at, until=at + LIVES)
        _entry("staff.token_issued", staff, staff.actor, "ok", address, at, factors=["password", "totp"])
        return word, token


def fresh(token: StaffToken, at: datetime) -> bool:
    """Tell whether the second factor was given for this very token within the last ten minutes of `at`."""
    return timedelta() <= at - token.issued_at <= FRESH


def step_up(token: StaffToken, otp: str, *, request: HttpRequest, address: str, at: datetime) -> tuple[str, StaffToken]:
    """Exchange a token for a fresh one with the second factor, given again; its end stays. Raises NotProven.

    The old one ends with it: a token that was copied doesn't become fresh. A wrong code counts as at coming in.
    """
    staff = token.staff
    if not _code_accepted(staff, otp):
        user_login_failed.send(__name__, credentials={"username": staff.get_username()}, request=request)
        return _refuse(Proof(staff.get_username(), "", ""), address, at, factor="otp")
    with transaction.atomic():
        if not StaffToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
            raise NotProven
        word, made = _made(staff, at=at, until=token.expires_at)
        _entry("staff.stepped_up", staff, staff.actor, "ok", address, at, factors=["totp"])
        return word, made


def _made(staff: Staff, *, at: datetime, until: datetime) -> tuple[str, StaffToken]:
    word = token_urlsafe(32)
    token = StaffToken.objects.create(
        staff=staff, digest=_digest(word), role=staff.role, password_mark=staff.get_session_auth_hash(),
        issued_at=at, expires_at=until,
    )  # fmt: skip
    return word, token


def _of_password(proof: Proof, request: HttpRequest) -> Staff | None:
    staff = authenticate(request, username=proof.username, password=proof.password)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]  # else the middleware answers, and differently
        make_password(proof.password)  # a locked name takes as long as any other
    return staff if isinstance(staff, Staff) and staff.is_staff else None


def _code_accepted(staff: Staff, otp: str) -> bool:
    """Judge the code on the person's own device, locked, so that parallel guesses are counted one by one."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=staff, confirmed=True).order_by("pk").first()
        return device is not None and bool(device.verify_token(otp))


def _refuse(proof: Proof, address: str, at: datetime, *, factor: str) -> tuple[str, StaffToken]:
    """Write the failed try under the account that was named, if there is one; what was typed is not kept."""
    named = Staff.objects.filter(username=proof.username).first()
    with transaction.atomic():
        _entry("staff.token_refused", named, "staff:unknown", "refused", address, at, factors=[factor])
    raise NotProven


def holder(word: str, *, at: datetime) -> StaffToken | None:
    """Return the good token behind these words, its owner loaded, else None."""
    found = StaffToken.objects.select_related("staff").filter(digest=_digest(word)).first()
    return found if found is not None and found.good(at) else None


def revoke(token: StaffToken, *, address: str, at: datetime) -> None:
    """End a token now. Ending it twice changes nothing."""
    with transaction.atomic():
        if StaffToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
            _entry("staff.token_revoked", token.staff, token.staff.actor, "ok", address, at, factors=[])


def _digest(word: str) -> str:
    return sha256(word.encode()).hexdigest()


def _entry(
    kind: str, about: Staff | None, actor: str, outcome: str, address: str, at: datetime, *, factors: list[str]
) -> None:
    record(
        kind=kind,
        actor=actor,
        subject=about.actor if about else "nobody",
        at=at,
        outcome=outcome,
        purpose="let only our own staff in",
        organisation=str(about.organisation_id) if about else only_organisation(),
        facts={"factors": factors, "door": "api"},
        personal={"address": address[:60]},
    )
