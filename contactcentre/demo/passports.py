"""The passports that the demo's people lay on the desk, as their machine-readable zone says it (ICAO 9303-4)."""

from __future__ import annotations

from datetime import date

from contactcentre.demo.people import Person
from visits.identity import Laid
from visits.mrz import check_digit
from visits.printed import Printed

_SPELT = str.maketrans({"Å": "AA", "Ä": "AE", "Ö": "OE", " ": "<", "-": "<"})  # ICAO 9303-3, section 6


def zone(person: Person, *, expires_on: date) -> str:
    """Write both lines of a Finnish passport in this person's name."""
    name = f"{_spelt(person.family)}<<{_spelt(person.given)}"
    born = date.fromisoformat(person.born)
    fields = [_checked(text) for text in (f"XP{person.seven}", f"{born:%y%m%d}", f"{expires_on:%y%m%d}", "<" * 14)]
    second = f"{fields[0]}FIN{fields[1]}<{fields[2]}{fields[3]}{check_digit(''.join(fields))}"
    return f"{f'P<FIN{name}'.ljust(44, '<')}\n{second}"


def laid(person: Person, *, expires_on: date) -> Laid:
    """Lay this passport on the desk: its zone, and what is printed beside it."""
    printed = Printed(
        number=f"XP{person.seven}",
        family_name=person.family,
        given_names=person.given,
        birth_date=date.fromisoformat(person.born),
        expires_on=expires_on,
    )
    return Laid(printed, zone(person, expires_on=expires_on))


def _checked(field: str) -> str:
    return field + check_digit(field)


def _spelt(name: str) -> str:
    return name.upper().translate(_SPELT)
