"""The people of every test, with known relations: one organisation, its staff, and customers who came in by import.

    def test_x(cast):            # rolled back after the test
    def test_y(live_cast):       # real commits, for threads and other processes
        call = cast.call(at=NOW, claims=cast.antti, level="LOW")

Three customers bear one name: Antti with a code app, Antti with a printed list, Antti with neither. The ward needs a
guardian (Helena), the company has two signatories (Sanna and Olli), Maija's account is frozen, and Timo's telephone
number was changed yesterday. All staff joined long enough ago to approve, and Kalle is Maija's brother.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from verification.claims import claim_number
from verification.evidence import CONFIRMATIONS, see_identity_list, see_second_clerk
from verification.gate import Granted, OfBatch, attempt
from verification.imports import prepare
from verification.interactions import open_by_staff, open_call, take
from verification.keypad import Typed, challenge, check
from verification.models import Customer, Interaction, Organisation, Staff
from verification.numbers import check_digit

NOW = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)  # a Wednesday, noon in Helsinki
PASSWORD = "four harmless grey herons"
PASSPORT = {"type": "PASSPORT", "issuer": "FIN", "expires_on": "2031-05-01"}
_turns = count(1)


def number(seven: int) -> str:
    """Return a well-formed customer number from seven digits."""
    return f"{seven}{check_digit(str(seven))}"


def totp(key: bytes, at: datetime) -> str:
    """Return the six digits that a code app with this key shows at `at`."""
    app = TOTP(key)
    app.time = at.timestamp()
    return f"{app.token():06d}"


def wrong(code: str) -> str:
    """Return six digits that are not this code."""
    return f"{(int(code) + 111_111) % 1_000_000:06d}"


@dataclass(frozen=True)
class Person:
    """One customer as he knows himself: his number, and the codes in his hands."""

    customer: Customer
    app_key: bytes = b""
    codes: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        return self.customer.number

    def app_code(self, at: datetime) -> str:
        """Return what his code app shows at `at`."""
        return totp(self.app_key, at)

    def list_code(self, index: int | None = None) -> str:
        """Return the printed code beside `index`, or beside the index that a list in use is asked for."""
        return self.codes[(index or challenge(self.number, at=NOW)) - 1]


@dataclass
class Cast:
    """Everybody. Staff are rows; customers are persons with what they hold."""

    organisation: Organisation
    staff: dict[str, Staff] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        for among in (self.__dict__.get("staff", {}), self.__dict__.get("people", {})):
            if name in among:
                return among[name]
        raise AttributeError(name)

    def staff_code(self, username: str, at: datetime | None = None) -> str:
        """Return a member's second factor at `at`, by default at this moment."""
        moment = at or datetime.fromtimestamp(time.time(), UTC)
        return totp(TOTPDevice.objects.get(user=self.staff[username]).bin_key, moment)

    def call(
        self, *, at: datetime, claims: Person | None = None, level: str = "NONE", by: str = "agent_aino"
    ) -> Interaction:
        """Open a call that `by` has taken, with a claim and, at LOW, a code that matched."""
        opened = open_call(self.organisation, line="+358401234567", language="fi", at=at)
        if claims is not None:
            claim_number(opened.public_id, claims.number, capacity="SELF", source="KEYPAD", by=None, at=at)
        if claims is not None and level == "LOW":
            assert self.type_code(opened, claims, at=at) is Typed.MATCHED
        take(opened.public_id, by=self.staff[by], at=at)
        return Interaction.objects.get(pk=opened.pk)

    def type_code(self, interaction: Interaction, person: Person, *, at: datetime, code: str | None = None) -> Typed:
        """Type a code for the current claim: the person's right one unless `code` is another."""
        turn = f"test:{next(_turns)}"
        if person.app_key:
            typed = person.app_code(at) if code is None else code
            return check(interaction.public_id, kind="TOTP", code=typed, at=at, key=turn)
        index = challenge(person.number, at=at)
        typed = (person.list_code(index) if person.codes else "000000") if code is None else code
        return check(interaction.public_id, kind="CODE_LIST", code=typed, index=index, at=at, key=turn)

    def desk(self, *, at: datetime, claims: Person, level: str = "HIGH", by: str = "clerk_kalle") -> Interaction:
        """Open a contact at the desk, where papers were shown as far as `level` (NONE, SUBSTANTIAL, HIGH) needs."""
        first, second = self.staff[by], self.staff["clerk_kerttu" if by == "clerk_kalle" else "clerk_kalle"]
        opened = open_by_staff(first, channel="DESK", language="fi", at=at)
        claim_number(opened.public_id, claims.number, capacity="SELF", source="STAFF", by=first, at=at)
        if level in ("SUBSTANTIAL", "HIGH"):
            see_identity_list(opened.public_id, by=first, confirmed=CONFIRMATIONS, document=PASSPORT, at=at)
        if level == "HIGH":
            see_second_clerk(opened.public_id, by=second, at=at)
        return Interaction.objects.get(pk=opened.pk)


STAFF = {
    "agent_aino": ("AGENT", "Aino", "Agentti"),
    "agent_arvo": ("AGENT", "Arvo", "Agentti"),
    "clerk_kalle": ("CLERK", "Kalle", "Kassa"),
    "clerk_kerttu": ("CLERK", "Kerttu", "Kassa"),
    "supervisor": ("SUPERVISOR", "Sirpa", "Esihenkilö"),
    "auditor": ("AUDITOR", "Aatu", "Tarkastaja"),
    "administrator": ("ADMINISTRATOR", "Aila", "Ylläpitäjä"),
    "administrator2": ("ADMINISTRATOR", "Asko", "Ylläpitäjä"),
}


def _row(seven: int, family: str, given: str, **more: Any) -> dict[str, Any]:
    phone = {"kind": "PHONE", "value": f"+35840{seven}", "recorded_at": "2024-01-15T08:00:00+00:00"}
    mail = {"kind": "EMAIL", "value": f"customer{seven}@example.org", "recorded_at": "2024-01-15T08:00:00+00:00"}
    return {
        "number": number(seven), "family_name": family, "given_names": given, "birth_date": "1961-04-17",
        "language": "fi", "account": "FI2112345600000785", "joined_on": "2019-05-02", "contacts": [phone, mail],
    } | more  # fmt: skip


def rows(at: datetime) -> dict[str, dict[str, Any]]:
    """Return the customers of the cast in the form of the import."""
    moved = _row(1000009, "Muuttaja", "Timo", totp=b"a key of Timo's, 20b".hex())
    moved["contacts"].append(
        {"kind": "PHONE", "value": "+358449999999", "recorded_at": (at - timedelta(days=1)).isoformat()}
    )
    return {
        "antti": _row(1000001, "Asiakas", "Antti", totp=b"a key of Antti's, 20".hex()),
        "antti2": _row(
            1000002, "Asiakas", "Antti", birth_date="1984-11-02", codes=["271828", "314159", "141421", "577215"]
        ),
        "antti3": _row(1000003, "Asiakas", "Antti", birth_date="1949-06-30", language="sv"),
        "helena": _row(1000004, "Huoltaja", "Helena", totp=b"a key of Helena's 20".hex()),
        "ward": _row(1000005, "Huollettava", "Ville", needs_guardian=True, totp=b"a key of Ville's, 20".hex()),
        "sanna": _row(1000006, "Sihteeri", "Sanna", totp=b"a key of Sanna's, 20".hex()),
        "olli": _row(1000007, "Omistaja", "Olli", totp=b"a key of Olli's, 20b".hex()),
        "company": _row(
            1000008, "Kahden Naulan Kauppa Oy", "", kind="COMPANY", birth_date=None,
            totp=b"a key of the shop 20".hex(),
        ),
        "moved": moved,
        "frozen": _row(1000010, "Jäätynyt", "Maija", frozen=True, totp=b"a key of Maija's, 20".hex()),
    }  # fmt: skip


def hire(organisation: Organisation, at: datetime) -> dict[str, Staff]:
    """Bring the staff of the cast in, each with a confirmed second factor."""
    hired = {}
    for username, (role, first, last) in STAFF.items():
        person = Staff.objects.create_user(
            username=username, password=PASSWORD, organisation=organisation, role=role, is_staff=True,
            first_name=first, last_name=last, date_joined=min(at, NOW) - timedelta(days=90),
        )  # fmt: skip
        TOTPDevice.objects.create(user=person, name="app", confirmed=True)
        hired[username] = person
    return hired


def bring_in(customers: list[dict[str, Any]], *, prepared_by: Staff, approved_by: Staff, at: datetime) -> None:
    """Import customers as the organisation does: one person prepares, another approves."""
    batch = prepare(json.dumps({"customers": customers}).encode(), by=prepared_by, at=at)
    decided = attempt("import_customers", origin=OfBatch(batch.public_id, approved_by), parameters={}, at=at)
    assert isinstance(decided, Granted), decided


def gather(at: datetime = NOW) -> Cast:
    """Make the whole cast in the current database, as it stands at `at`."""
    organisation = Organisation.objects.create(name="Esimerkki Oy", number_to_call="+358800123456")
    gathered = Cast(organisation, hire(organisation, at))
    known = rows(at)
    bring_in([*known.values()], prepared_by=gathered.administrator, approved_by=gathered.administrator2, at=at)
    for name, row in known.items():
        customer = Customer.objects.get(number=row["number"])
        gathered.people[name] = Person(customer, bytes.fromhex(row.get("totp", "")), tuple(row.get("codes", ())))
    gathered.clerk_kalle.kin.add(gathered.frozen.customer)
    return gathered


@pytest.fixture
def cast(db: None) -> Cast:
    """Give the cast at NOW, in a database that is rolled back."""
    return gather()


@pytest.fixture
def live_cast(live_database: str) -> Iterator[Cast]:
    """Give the cast at this very moment, in a database with real commits: for webhooks, pages and workers."""
    yield gather(datetime.fromtimestamp(time.time(), UTC) - timedelta(minutes=1))
