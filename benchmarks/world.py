"""One organisation with customers who came in by import, and contacts that have got as far as a measurement needs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle

from django.utils import timezone

from verification.claims import claim_number
from verification.gate import Granted, OfBatch, attempt
from verification.imports import prepare
from verification.interactions import open_call, take
from verification.models import Customer, Interaction, Organisation, Staff
from verification.numbers import check_digit

DIALLED = "+358800123456"


class World:
    """Everybody whom the measurements meet."""

    def __init__(self, customers: int) -> None:
        at = timezone.now()
        self.organisation = Organisation.objects.create(name="Esimerkki Oy", number_to_call=DIALLED)
        self.agent = self._hire("agent", "AGENT", at)
        self.auditor = self._hire("auditor", "AUDITOR", at)
        self._bring_in([_row(seven) for seven in range(1_000_000, 1_000_000 + customers)], at)
        self.customers = list(Customer.objects.order_by("pk"))
        self._turns: defaultdict[str, Iterator[Customer]] = defaultdict(lambda: cycle(self.customers))

    def next_customer(self, purpose: str) -> Customer:
        """Return the customers in turn, each purpose by itself, so that no cap on one of them is reached."""
        return next(self._turns[purpose])

    def contact(self, customer: Customer | None = None) -> Interaction:
        """Open a call that the agent has taken, with a claim and no evidence."""
        at = timezone.now()
        opened = open_call(self.organisation, line="+358401234567", language="fi", at=at)
        if customer is not None:
            claim_number(opened.public_id, customer.number, capacity="SELF", source="KEYPAD", by=None, at=at)
        return take(opened.public_id, by=self.agent, at=at)

    def _hire(self, username: str, role: str, at: datetime) -> Staff:
        return Staff.objects.create_user(
            username=username, organisation=self.organisation, role=role, is_staff=True,
            date_joined=at - timedelta(days=90),
        )  # fmt: skip

    def _bring_in(self, rows: list[dict[str, object]], at: datetime) -> None:
        batch = prepare(json.dumps({"customers": rows}).encode(), by=self._hire("preparer", "ADMINISTRATOR", at), at=at)
        approver = self._hire("approver", "ADMINISTRATOR", at)
        decided = attempt("import_customers", origin=OfBatch(batch.public_id, approver), parameters={}, at=at)
        if not isinstance(decided, Granted):
            raise SystemExit(f"The customers could not be brought in: {decided}")


def _row(seven: int) -> dict[str, object]:
    """Describe a customer as most are: a telephone number and an e-mail address on record, and a code app."""
    long_ago = "2024-01-15T08:00:00+00:00"
    return {
        "number": f"{seven}{check_digit(str(seven))}", "family_name": "Asiakas", "given_names": f"Antti {seven}",
        "birth_date": "1961-04-17", "language": "fi", "account": "FI2112345600000785", "joined_on": "2019-05-02",
        "totp": f"a key of number {seven}".encode()[:20].hex(),
        "contacts": [
            {"kind": "PHONE", "value": f"+35840{seven}", "recorded_at": long_ago},
            {"kind": "EMAIL", "value": f"customer{seven}@example.org", "recorded_at": long_ago},
        ],
    }  # fmt: skip
