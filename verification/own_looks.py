"""What a person may know of those who looked at his record: when, why and in which role we looked, not who."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import looks
from audit.log import record
from audit.looks import Look
from verification.levels import Level
from verification.models import Customer, Prompt
from verification.own_page import his_own, reached

SHOWN_FOR: Final = timedelta(days=2 * 365)
MOST: Final = 100

looks.register("record.read", _("We opened your record to serve you in a contact of yours."))
looks.register("proposal.read", _("A second person checked what had been asked for in your name."))
looks.register(
    "gate.granted",
    _("We went through your data with the person who proved to be you."),
    action="disclose_personal_data",
)


def person_of(prompt: Prompt, at: datetime) -> Customer | None:
    """Return the person before the page when he may see who looked: strongly identified, in his own matter."""
    claim = prompt.claim
    himself = claim.person is not None and claim.person_id == claim.customer_id
    if not himself or not his_own(prompt, at) or reached(prompt, at) < Level.SUBSTANTIAL:
        return None
    return claim.person


def offered(prompt: Prompt, at: datetime) -> bool:
    """Tell whether the page offers the list."""
    return person_of(prompt, at) is not None


def read(customer: Customer, *, at: datetime) -> list[Look]:
    """Return the newest looks at his record of the last two years, once the entry of his reading them is committed."""
    with transaction.atomic(durable=True):
        record(
            kind="looks.read",
            actor=f"customer:{customer.pseudonym}",
            subject=str(customer.pseudonym),
            at=at,
            outcome="ok",
            purpose="tell the customer who has looked at his data",
            organisation=str(customer.organisation_id),
            facts={},
        )
    return looks.at_subject(str(customer.pseudonym), since=at - SHOWN_FOR, most=MOST)
