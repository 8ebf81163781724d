"""What is printed on a document, as a clerk reads it: held against the zone field by field, or alone where none is.

A zone is easily printed over; number, dates and name on the page beside it were printed by the issuer. Where the two
differ, the document is not what it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from visits import documents
from visits.mrz import Mrz
from visits.names import name_matches, same_name


@dataclass(frozen=True, slots=True)
class Printed:
    """The printed fields. `issuer` (ISO 3166-1 alpha-3) is asked for where there is no zone to say it."""

    number: str = field(repr=False)
    family_name: str = field(repr=False)
    given_names: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    expires_on: date | None = None
    issued_on: date | None = None
    issuer: str = ""

    @property
    def bare_number(self) -> str:
        return bare(self.number)

    def differs(self, read: Mrz) -> str:
        """Name the first printed field that is not as the zone has it; "" when all agree.

        A birth date that the zone leaves partly open is compared as far as it goes (ICAO 9303-3, 4.7).
        """
        agree = {
            "number": self.bare_number == bare(read.number),
            "expires_on": self.expires_on == read.expires_on,
            "birth_date": self._born_as(read),
            "name": name_matches(read, self.family_name, self.given_names),
        }
        return next((f"printed_{name}" for name, same in agree.items() if not same), "")

    def names(self, family_name: str, given_names: str) -> bool:
        """Tell whether the printed name is the recorded one; a record may lack the later given names."""
        return same_name(self.family_name, family_name) and same_name(self.given_names, given_names, whole=False)

    def _born_as(self, read: Mrz) -> bool:
        if self.birth_date is None:
            return read.birth_date is None
        return read.born_on(self.birth_date) or read.birth_parts[0] is None


def bare(number: str) -> str:
    """Return a document's number without what is only for the eye."""
    return re.sub(r"[\s<-]", "", number).upper()


def impossible(
    kind: str, issuer: str, *, issued_on: date | None, expires_on: date | None, on: date, rules: documents.Rules
) -> bool:
    """Tell whether the dates can't be an issuer's: issued later than it ends or than `on`, or valid for too long.

    Without a day of issue the document is taken to be issued on `on`: longer than that it can't be valid.
    """
    if issued_on is not None and (issued_on > on or (expires_on is not None and issued_on > expires_on)):
        return True
    years = rules.longest_years(kind, issuer)
    if years is None or expires_on is None:
        return False
    return expires_on > _years_after(issued_on or on, years)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # a 29th of February
        return day.replace(year=day.year + years, month=3, day=1)
