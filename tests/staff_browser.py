"""Browsers of the staff for tests of their pages: logged in by both factors, by the first only, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from contactcentre.login import PROVED_AT
from tests.cast import Cast, gather
from verification.models import Interaction, Staff

ROLES = {
    "AGENT": "agent_aino", "CLERK": "clerk_kalle", "SUPERVISOR": "supervisor", "AUDITOR": "auditor",
    "ADMINISTRATOR": "administrator",
}  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)


def gathered() -> Cast:
    """Return the cast as it stands at this moment, which is the pages' clock."""
    return gather(now() - timedelta(minutes=1))


def signed_in(who: Staff, *, second_factor: bool = True, **options: Any) -> Client:
    """Return a browser in which this person has come in."""
    client = Client(**options)
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    if second_factor:
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.get(user=who).persistent_id
        session[PROVED_AT] = now().isoformat()
        session.save()
    client.cookies["language"] = "en"
    return client


def address(name: str, contact: Interaction | None = None, *more: str) -> str:
    """Return the address of one of the agent's pages."""
    return reverse(f"admin:{name}", args=[*([contact.public_id] if contact else []), *more])


def ask(client: Client, contact: Interaction, action: str, nonce: str = "", **typed: Any) -> Any:
    """Send the form of an action once."""
    form = {"nonce": nonce or str(uuid4()), **typed}
    return client.post(address("do", contact, action), form)
