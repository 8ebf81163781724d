"""Offices, booked visits and documents for the tests of visits and the desk."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from tests.cast import Cast, Person
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Customer, Interaction, Organisation, Refusal
from visits import escalations
from visits.hours import Ability
from visits.models import AbilityHours, Escalation, Office, OfficeHours, Visit
from visits.mrz import check_digit


def open_office(
    organisation: Organisation, *, town: str = "Helsinki", second_clerk: bool = True, **more: Any
) -> Office:
    """Open an office on every weekday from nine to four, with a second clerk all day unless told otherwise."""
    office = Office.objects.create(
        organisation=organisation, name=f"{town}: palvelupiste", street="Katu 1", town=town, **more
    )
    for weekday in range(5):
        OfficeHours.objects.create(office=office, weekday=weekday, opens=time(9), closes=time(16))
        if second_clerk:
            AbilityHours.objects.create(
                office=office, weekday=weekday, opens=time(9), closes=time(16), ability=Ability.SECOND_CLERK
            )
    return office


NEW_HOME = {"street": "Toinen linja 4", "postal_code": "00530", "town": "Helsinki"}


def refuse(call: Interaction, cast: Cast, *, at: datetime, action: str = "change_address", **wanted: Any) -> Refusal:
    """Ask for something that the caller's level doesn't reach."""
    origin = Live(call.public_id, cast.staff["agent_aino"])
    decided = attempt(action, origin=origin, parameters=wanted or NEW_HOME, at=at)
    assert isinstance(decided, Refused), decided
    return decided.refusal


def ask_for_visit(call: Interaction, cast: Cast, *, at: datetime, **wanted: Any) -> Escalation:
    """Have an agent ask for a visit, and return what waits to be placed."""
    decided = attempt("book_visit", origin=Live(call.public_id, cast.staff["agent_aino"]), parameters=wanted, at=at)
    assert isinstance(decided, Granted), decided
    return Escalation.objects.get(grant=decided.grant)


def book(cast: Cast, person: Person | None, *, at: datetime, level: str = "NONE", **wanted: Any) -> Visit:
    """Play a call that is refused a change of address, and book the visit that answers it."""
    call = cast.call(at=at, claims=person, level=level)
    refusal = refuse(call, cast, at=at)
    placed = escalations.place(ask_for_visit(call, cast, at=at, refusal=str(refusal.public_id), **wanted).pk, at=at)
    assert placed is not None
    return placed


def passport(
    customer: Customer, *, expires: str = "310501", family: str = "", born: str = "", issuer: str = "FIN"
) -> str:
    """Write the zone of a passport (ICAO 9303-4) in a customer's name, unless another is given."""
    name = f"{family or _spelt(customer.family_name)}<<{_spelt(customer.given_names)}"
    birth = born or f"{customer.birth_date:%y%m%d}"
    first = f"P<{issuer}{name}".ljust(44, "<")
    fields = [_checked("XP8271602"), _checked(birth), _checked(expires), _checked("<" * 14)]
    second = f"{fields[0]}{issuer}{fields[1]}M{fields[2]}{fields[3]}{check_digit(''.join(fields))}"
    return f"{first}\n{second}"


def _checked(field: str) -> str:
    return field + check_digit(field)


def _spelt(name: str) -> str:
    return name.upper().replace("Ä", "AE").replace("Ö", "OE").replace(" ", "<")


def day_after(at: datetime) -> datetime:
    """Return the same moment a day and an hour later."""
    return at + timedelta(days=1, hours=1)
