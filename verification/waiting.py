"""What of a customer's has been asked for and doesn't count yet: he can stop it, so he hears of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification.models import Authenticator, ContactChange, Customer, Mandate, Passkey

NAMES: Final[dict[str, str | Promise]] = {
    **{kind.value: kind.label for kind in ContactChange.Kind},
    **{kind.value: kind.label for kind in Authenticator.Kind},
    "PASSKEY": _("passkey"),
    "MANDATE": _("mandate"),
}


def of(customer: Customer, at: datetime) -> list[str]:
    """Return the kinds (keys of NAMES) of what has yet to take effect for a customer, each once."""
    found = {
        *ContactChange.objects.pending(at).filter(customer=customer).values_list("kind", flat=True),
        *Authenticator.objects.pending(at).filter(customer=customer).values_list("kind", flat=True),
    }
    if Passkey.objects.pending(at).filter(customer=customer).exists():
        found.add("PASSKEY")
    if Mandate.objects.pending(at).filter(principal=customer, kind=Mandate.Kind.MANDATE).exists():
        found.add("MANDATE")
    return sorted(found)


def named(kinds: Iterable[str]) -> str:
    """Name them in the active language."""
    return ", ".join(str(NAMES.get(kind, kind)) for kind in kinds)
