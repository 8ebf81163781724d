"""Public holidays, by country and region."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType

import holidays


class UnknownCalendar(ValueError):
    """Says that no holidays are known for a country or region, so its offices' days can't be told."""


def holiday_name(day: date, *, country: str, subdivision: str | None = None) -> str | None:
    """Give the English name of the public holiday on `day`, or None. Raises UnknownCalendar."""
    return public_holidays(country, subdivision, day.year).get(day)


@lru_cache(maxsize=256)
def public_holidays(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """Give the public holidays of one year; ISO 3166-1 alpha-2 country, ISO 3166-2 part after the dash."""
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=year, language="en_US")
    except NotImplementedError as unknown:
        raise UnknownCalendar(f"no holidays are known for {country} {subdivision or ''}".rstrip()) from unknown
    return MappingProxyType(dict(found.items()))
