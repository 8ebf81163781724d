"""The passports that the demo's people lay on the desk, as their machine-readable zone says it (ICAO 9303-4)."""

from __future__ import annotations

from datetime import date

from contactcentre.demo.people import Person
from visits.mrz import check_digit

_SPELT = str.maketrans({"Å": "AA", "Ä": "AE", "Ö": "OE", " ": "<", "-": "<"})  # ICAO 9303-3, section 6


def zone(person: Person, *, expires_on: date) -> str:
    """Write both lines of a Finnish passport in this person's name."""
    name = f"{_spelt(person.family)}<<{_spelt(person.given)}"
    born = date.fromisoformat(person.born)
    fields = [_checked(text) for text in (f"XP{person.seven}", f"{born:%y%m%d}", f"{expires_on:%y%m%d}", "<" * 14)]
    second = f"{fields[0]}FIN{fields[1]}<{fields[2]}{fields[3]}{check_digit(''.join(fields))}"
    return f"{f'P<FIN{name}'.ljust(44, '<')}\n{second}"


def _checked(field: str) -> str:
    return field + check_digit(field)


def _spelt(name: str) -> str:
    return name.upper().translate(_SPELT)
