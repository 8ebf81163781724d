"""Passkeys of the staff, beside the code app: one's own key, unlocked by oneself, which works on our address only.

What was asked of the browser is kept in the session, for five minutes and for one answer (WebAuthn 3, 13.4.3).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement, UserVerificationRequirement

from audit.log import record
from notices.actions import send
from verification import relying_party
from verification.models import Staff

ASKED: Final = "passkey_asked"
GOOD_FOR: Final = timedelta(minutes=5)
MOST: Final = 10  # of one person: a few devices and a spare key
LARGEST: Final = 20_000  # characters of a browser's answer
UNREADABLE = (WebAuthnException, OTPWebAuthnApiError, ValueError, KeyError, TypeError, AttributeError)


class Helper(WebAuthnHelper):  # type: ignore[misc]  # untyped
    """Know our own address, and take no answer without the owner's finger, face or PIN."""

    def get_relying_party_domain(self) -> str:
        return relying_party.host()

    def get_relying_party_name(self) -> str:
        return _("Contact centre")

    def get_allowed_origins(self) -> list[str]:
        return [relying_party.origin()]

    def get_generate_registration_options_kwargs(self, *, user: Any) -> dict[str, Any]:
        asked: dict[str, Any] = super().get_generate_registration_options_kwargs(user=user)
        asked["authenticator_selection"] = AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
        )
        return asked


def of(user: Staff) -> list[WebAuthnCredential]:
    """List a person's passkeys, the oldest first."""
    return [*WebAuthnCredential.objects.filter(user=user, confirmed=True).order_by("pk")]


def offer(request: HttpRequest, user: Staff, at: datetime) -> str:
    """Return what the browser is asked, as JSON, or "" where there is nothing to ask for."""
    if not relying_party.possible() or not of(user):
        return ""
    options, state = Helper(request).authenticate_begin(user=user, require_user_verification=True)
    return _remembered(request, "login", user, options, state, at)


def accept(request: HttpRequest, user: Staff, sent: str, at: datetime) -> WebAuthnCredential | None:
    """Judge an answer to what was offered to this person; None when it is none, is late, or was brought before.

    His keys are locked, so that a counter which does not go up is found (WebAuthn 3, 6.1.1).
    """
    state = _asked(request.session, "login", user, at)
    if state is None:
        return None
    try:
        with transaction.atomic():
            list(WebAuthnCredential.objects.select_for_update().filter(user=user))
            found = Helper(request).authenticate_complete(user=user, state=state, data=_read(sent))
            return found if found.confirmed else None
    except UNREADABLE:
        return None


def begin_adding(request: HttpRequest, user: Staff, at: datetime) -> str:
    """Return what the browser is asked in order to make a passkey, as JSON."""
    options, state = Helper(request).register_begin(user=user)
    return _remembered(request, "add", user, options, state, at)


def add(request: HttpRequest, user: Staff, sent: str, at: datetime) -> bool:
    """Keep the passkey that the browser has made, note it and tell its owner; False when it isn't one of ours."""
    state = _asked(request.session, "add", user, at)
    with transaction.atomic():
        Staff.objects.select_for_update().get(pk=user.pk)
        if state is None or len(of(user)) >= MOST or (made := _kept(request, user, state, sent)) is None:
            return False
        made.name, made.confirmed = _day(at), True
        made.save(update_fields=["name", "confirmed"])
        _entry("staff.passkey_added", user, at)
        _tell(user, at, added=True)
    return True


def _kept(request: HttpRequest, user: Staff, state: dict[str, Any], sent: str) -> WebAuthnCredential | None:
    try:
        with transaction.atomic():
            return Helper(request).register_complete(user=user, state=state, data=_read(sent))
    except (*UNREADABLE, IntegrityError):
        return None


def _read(sent: str) -> Any:
    """Return what the browser sent. Raises ValueError."""
    if len(sent) > LARGEST:
        raise ValueError("longer than any answer of a browser")
    return json.loads(sent)


def remove(user: Staff, pk: int, at: datetime) -> bool:
    """Take one of a person's own passkeys away, note it and tell him; False when it is not his."""
    with transaction.atomic():
        gone, _rows = WebAuthnCredential.objects.filter(user=user, pk=pk).delete()
        if gone:
            _entry("staff.passkey_removed", user, at)
            _tell(user, at, added=False)
        return bool(gone)


def _remembered(request: HttpRequest, what: str, user: Staff, options: Any, state: Any, at: datetime) -> str:
    request.session[ASKED] = {"what": what, "user": user.pk, "at": at.isoformat(), "state": state}
    return json.dumps(options)


def _asked(session: SessionBase, what: str, user: Staff, at: datetime) -> dict[str, Any] | None:
    """Take what was asked out of the session, whatever comes of the answer."""
    asked = session.pop(ASKED, None)
    session.save()
    if asked is None or (asked["what"], asked["user"]) != (what, user.pk):
        return None
    state: dict[str, Any] = asked["state"]
    return state if at - datetime.fromisoformat(asked["at"]) <= GOOD_FOR else None


def _day(at: datetime) -> str:
    return timezone.localtime(at, timezone.get_default_timezone()).strftime("%d.%m.%Y %H.%M")


def _entry(kind: str, user: Staff, at: datetime) -> None:
    record(
        kind=kind,
        actor=user.actor,
        subject=user.actor,
        at=at,
        outcome="ok",
        purpose="look after the accounts of our own staff",
        organisation=str(user.organisation_id),
        facts={},
    )


def _tell(user: Staff, at: datetime, *, added: bool) -> None:
    """Write to the person in every language of the house, since his own isn't known (63B 4.6)."""
    if not user.email:
        return
    titles, texts = [], []
    for language in ("fi", "sv", "en"):
        with override(language):
            titles.append(_("A passkey was added to your account") if added else _("A passkey was removed"))
            said = (
                _("A passkey was added to your account %(name)s in the contact centre.")
                if added
                else _("A passkey was removed from your account %(name)s in the contact centre.")
            )
            if_not = _("If it was not you, tell an administrator at once, and let him close the account.")
            texts.append(f"{said % {'name': user.username}} {if_not}")
    send(
        subject=user.actor,
        channel="EMAIL",
        address=user.email,
        language="fi",
        title=titles[0],
        text="\n\n".join(texts),
        about="staff_passkey",
        reference=None,
        at=at,
        organisation=str(user.organisation_id),
    )
