"""Telling the recorded contacts what was done: the system does it, not the agent, and a changed contact's OLD one hears
too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notices.actions import send
from verification.models import ContactChange, Customer

CHANNELS = {"PHONE": "SMS", "EMAIL": "EMAIL", "ADDRESS": "LETTER"}
IF_NOT_YOU = _("If this was not you, please call us: we will stop it.")


def tell(
    customer: Customer,
    contacts: Iterable[ContactChange],
    *,
    title: str | Promise,
    text: str | Promise,
    about: str,
    reference: UUID | None,
    at: datetime,
) -> None:
    """Send one notice to each contact in the customer's language, inside the caller's transaction."""
    with translation.override(customer.language):
        for contact in contacts:
            send(
                subject=str(customer.pseudonym),
                channel=CHANNELS[contact.kind],
                address=contact.value,
                language=customer.language,
                title=str(title),
                text=f"{text} {IF_NOT_YOU}",
                about=about,
                reference=reference,
                at=at,
                organisation=str(customer.organisation_id),
            )
