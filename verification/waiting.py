"""What of a customer's has been asked for and doesn't count yet: he can stop it, so he hears of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification.declarations import declared
from verification.models import Authenticator, ContactChange, Customer, Grant, Mandate, Passkey

NAMES: Final[dict[str, str | Promise]] = {
    **{kind.value: kind.label for kind in ContactChange.Kind},
    **{kind.value: kind.label for kind in Authenticator.Kind},
    "PASSKEY": _("passkey"),
    "MANDATE": _("mandate"),
}


DELAYED: Final[tuple[tuple[type[Model], str, str], ...]] = (
    (ContactChange, "customer", "recorded_at"),
    (Authenticator, "customer", "enrolled_at"),
    (Passkey, "customer", "enrolled_at"),
    (Mandate, "principal", "recorded_at"),
)
"""What may wait: the model, its owner's column, and that of the moment of its grant."""


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


def in_force(grant: Grant, at: datetime) -> bool:
    """Tell whether all that a grant wrote to take effect later has done so, was not stopped, and has not ended."""
    action = declared(grant.action)
    written = [each for each in DELAYED if action and action.delay and each[0]._meta.label in action.writes]
    for model, owner, made in written:
        rows: Any = model._default_manager.filter(**{owner: grant.customer_id, made: grant.decided_at})
        if rows.count() > rows.in_force(at).count():
            return False
    return True


def named(kinds: Iterable[str]) -> str:
    """Name them in the active language."""
    return ", ".join(str(NAMES.get(kind, kind)) for kind in kinds)
