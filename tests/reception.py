"""Offices, booked visits and documents for the tests of visits and the desk."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from tests.cast import Cast, Person
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Customer, Interaction, Organisation, Refusal
from visits import escalations
from visits.hours import Ability
from visits.identity import Laid
from visits.models import AbilityHours, Escalation, Office, OfficeHours, Visit
from visits.mrz import check_digit
from visits.printed import Printed


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


def printed_on(zone: str, **changed: Any) -> Printed:
    """Read off a passport what is printed beside this zone, in the same letters, unless something else is told."""
    first, second = zone.split("\n")
    family, _, given = first[5:].partition("<<")
    told: dict[str, Any] = {
        "number": second[:9].replace("<", ""),
        "family_name": family.replace("<", " "),
        "given_names": given.replace("<", " ").strip(),
        "birth_date": _date(second[13:19], latest=2026),
        "expires_on": _date(second[21:27], latest=2099),
    }
    return Printed(**told | changed)


def laid(zone: str, *, traits: frozenset[str] = frozenset(), **changed: Any) -> Laid:
    """Lay a passport with this zone on the desk, printed as its zone says unless something else is told."""
    return Laid(printed_on(zone, **changed), zone, traits=traits)


def typed(zone: str, **changed: Any) -> dict[str, str]:
    """Give what a clerk types into the form of the desk for the passport with this zone."""
    printed = printed_on(zone, **changed)
    days = {"birth_date": printed.birth_date, "expires_on": printed.expires_on}
    names = {"number": printed.number, "family_name": printed.family_name, "given_names": printed.given_names}
    return {"zone": zone, **names, **{name: day.isoformat() for name, day in days.items() if day}}


def _date(text: str, *, latest: int) -> date:
    year = 2000 + int(text[:2])
    return date(year if year <= latest else year - 100, int(text[2:4]), int(text[4:]))


def day_after(at: datetime) -> datetime:
    """Return the same moment a day and an hour later."""
    return at + timedelta(days=1, hours=1)
