"""Handing a new code app's key to its owner: once, on a page of his own, never to anybody of the staff."""

from __future__ import annotations

import os
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode
from uuid import UUID

from django.db import transaction

from audit import keys
from audit.log import record
from verification.models import Authenticator, AuthenticatorSetup, Customer

KEY_BYTES = 20  # RFC 4226 R6: 160 bits
OPEN_FOR = timedelta(hours=24)


class NothingToOpen(LookupError):
    """Tell that there is no such set-up for this customer: unknown, opened already, ended or run out."""


@dataclass(frozen=True)
class Opened:
    """A key as it is shown, once: in groups of four (RFC 4648 base32), and as an otpauth address for the app."""

    key: str
    address: str
    effective_at: datetime


def begin(customer: Customer, *, effective_at: datetime, at: datetime) -> AuthenticatorSetup:
    """Write a code app with a random key that nobody has seen, inside an effect; its owner opens it within a day."""
    sealed = keys.seal(os.urandom(KEY_BYTES), context="totp")
    app = Authenticator.objects.create(
        customer=customer,
        kind=Authenticator.Kind.TOTP,
        sealed_secret=sealed,
        enrolled_at=at,
        effective_at=effective_at,
    )
    return AuthenticatorSetup.objects.create(authenticator=app, customer=customer, expires_at=at + OPEN_FOR)


def waiting(customer: Customer, at: datetime) -> AuthenticatorSetup | None:
    """Return the newest set-up that this customer can still open, or None."""
    rows = AuthenticatorSetup.objects.filter(
        customer=customer, opened_at=None, expires_at__gt=at, authenticator__end__isnull=True
    )
    return rows.order_by("-pk").first()


def reveal(setup_id: UUID, *, customer: Customer, at: datetime) -> Opened:
    """Return the key to its owner and note that it was shown; a second time it is not. Raises NothingToOpen.

    Whoever calls this is a page that the customer himself stands before, on evidence of his own.
    """
    with transaction.atomic():
        rows = AuthenticatorSetup.objects.select_for_update(of=("self",)).select_related("authenticator")
        found = rows.filter(public_id=setup_id, customer=customer, opened_at=None, expires_at__gt=at).first()
        if found is None or hasattr(found.authenticator, "end"):
            raise NothingToOpen
        found.opened_at = at
        found.save(update_fields=["opened_at"])
        _entry(found, customer, at)
        secret = keys.unseal(bytes(found.authenticator.sealed_secret), context="totp")
        return _shown(secret, customer, found.authenticator.effective_at)


def _shown(secret: bytes, customer: Customer, effective_at: datetime) -> Opened:
    text = b32encode(secret).decode()
    issuer = customer.organisation.name
    label = quote(f"{issuer}:{customer.number}")
    address = f"otpauth://totp/{label}?{urlencode({'secret': text, 'issuer': issuer}, quote_via=quote)}"
    return Opened(" ".join(text[n : n + 4] for n in range(0, len(text), 4)), address, effective_at)


def _entry(found: AuthenticatorSetup, customer: Customer, at: datetime) -> None:
    record(
        kind="setup.opened",
        actor=f"customer:{customer.pseudonym}",
        subject=str(customer.pseudonym),
        at=at,
        outcome="ok",
        purpose="let the customer put the key into his own code app",
        organisation=str(customer.organisation_id),
        facts={"setup": str(found.public_id)},
    )
