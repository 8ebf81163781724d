"""The machine-readable zone of an identity document, as a clerk types it (ICAO 9303 parts 3-6: TD1, TD2, TD3).

A zone that reads well was copied well; that is all. Its check digits catch slips of the finger, not forgery, so
reading one never raises a level by itself. Nothing of the zone's content appears in a repr or an error.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import cycle

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WEIGHTS = (7, 3, 1)
LONGEST_INPUT = 400
"""Characters a person may type, white space included; the longest zone has 90."""
EXPIRY_HORIZON_YEARS = 50
"""An expiry further ahead than this is read as 19YY: it is a document of the last century, not of the next."""


class Format(StrEnum):
    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"


class Code(StrEnum):
    LENGTH = "LENGTH"
    CHARACTER = "CHARACTER"
    CHECK_DIGIT = "CHECK_DIGIT"
    DATE = "DATE"


class Unreadable(ValueError):
    """Says which field a clerk must look at again, and why; never what was typed there."""

    def __init__(self, code: Code, at_field: str) -> None:
        super().__init__(f"{code.value} in {at_field}")
        self.code = code
        self.field = at_field


@dataclass(frozen=True, slots=True)
class Mrz:
    """What a zone says. `birth_parts` is (year 0-99, month, day) with None for each part that is unknown."""

    format: Format
    document_type: str
    issuer: str
    nationality: str
    sex: str
    expires_on: date
    number: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    birth_parts: tuple[int | None, int | None, int | None] = field(repr=False)
    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    optional: str = field(repr=False)
    names_cut: bool = False

    def expired(self, on: date) -> bool:
        """Tell whether the document is past its last day of validity, which still counts, on `on`."""
        return self.expires_on < on

    def born_on(self, recorded: date) -> bool:
        """Tell whether the known parts agree with a recorded birth date; an unknown year agrees with nothing.

        Compares two digits of the year, since the zone has no more: a person of 106 was not born in 2020.
        """
        year, month, day = self.birth_parts
        if year is None or year != recorded.year % 100:
            return False
        return month in (None, recorded.month) and day in (None, recorded.day)


@dataclass(frozen=True, slots=True)
class _Zone:
    """The fields of one zone, cut but not yet believed. `composite` is what the last check digit covers."""

    format: Format
    head: str
    number: str
    number_check: str
    birth: str
    birth_check: str
    sex: str
    expiry: str
    expiry_check: str
    nationality: str
    optional: str
    optional_check: str | None
    more_optional: str
    composite: str
    composite_check: str
    name: str


def read(lines: str, *, on: date) -> Mrz:
    """Read a zone typed on the day `on`; every check digit, the composite one too, must be right.

    White space and lower case are forgiven, lines may run together. Raises Unreadable. Two-digit years: a birth is
    the latest one not after `on`; an expiry is 20YY (see EXPIRY_HORIZON_YEARS). An issuer "D" is given as "DEU".
    """
    zone = _cut(_typed_lines(lines))
    number, optional = _number(zone)
    _verify(zone)
    parts = _birth_parts(zone.birth)
    surname, given_names = _names(zone.name)
    return Mrz(
        format=zone.format,
        document_type=_document_type(zone),
        issuer=_country(zone.head[2:5], "issuer"),
        nationality=_country(zone.nationality, "nationality"),
        sex=_sex(zone.sex),
        expires_on=_expiry(zone.expiry, on=on),
        number=number,
        birth_date=_birth_date(parts, on=on),
        birth_parts=parts,
        surname=surname,
        given_names=given_names,
        optional=optional,
        names_cut=not zone.name.endswith("<"),
    )


def check_digit(text: str) -> str:
    """Compute the check digit of a field (ICAO 9303-3, 4.9): weights 7, 3, 1, modulo 10; `<` counts as 0."""
    total = sum(value(character) * weight for character, weight in zip(text, cycle(WEIGHTS), strict=False))
    return str(total % 10)


def value(character: str) -> int:
    """Give the value a character adds to a check digit: 0-9, A=10 ... Z=35, `<`=0."""
    return 0 if character == "<" else ALPHABET.index(character)


def _typed_lines(text: str) -> list[str]:
    if len(text) > LONGEST_INPUT:
        raise Unreadable(Code.LENGTH, "lines")
    rows = [row for row in (re.sub(r"\s+", "", line) for line in text.splitlines()) if row]
    for place, row in enumerate(rows, start=1):
        # Judged before upper(): "ß" would become two letters and the dotless "ı" an I.
        if not re.fullmatch(r"[A-Za-z0-9<]+", row):
            raise Unreadable(Code.CHARACTER, f"line_{place}")
    return _of_right_length([row.upper() for row in rows])


def _of_right_length(rows: list[str]) -> list[str]:
    if len(rows) == 1 and (width := {88: 44, 72: 36, 90: 30}.get(len(rows[0]))):
        return [rows[0][start : start + width] for start in range(0, len(rows[0]), width)]
    if len(rows) not in (2, 3):
        raise Unreadable(Code.LENGTH, "lines")
    width = 30 if len(rows) == 3 else min((36, 44), key=lambda wanted: abs(len(rows[0]) - wanted))
    for place, row in enumerate(rows, start=1):
        if len(row) != width:
            raise Unreadable(Code.LENGTH, f"line_{place}")
    return rows


def _cut(rows: list[str]) -> _Zone:
    return _cut_td1(*rows) if len(rows) == 3 else _cut_two_lines(*rows)


def _cut_td1(first: str, second: str, third: str) -> _Zone:
    return _Zone(
        format=Format.TD1,
        head=first[:5],
        number=first[5:14],
        number_check=first[14],
        birth=second[:6],
        birth_check=second[6],
        sex=second[7],
        expiry=second[8:14],
        expiry_check=second[14],
        nationality=second[15:18],
        optional=first[15:30],
        optional_check=None,
        more_optional=second[18:29],
        composite=first[5:30] + second[:7] + second[8:15] + second[18:29],
        composite_check=second[29],
        name=third,
    )


def _cut_two_lines(first: str, second: str) -> _Zone:
    passport = len(second) == 44
    return _Zone(
        format=Format.TD3 if passport else Format.TD2,
        head=first[:5],
        number=second[:9],
        number_check=second[9],
        birth=second[13:19],
        birth_check=second[19],
        sex=second[20],
        expiry=second[21:27],
        expiry_check=second[27],
        nationality=second[10:13],
        optional=second[28:42] if passport else second[28:35],
        optional_check=second[42] if passport else None,
        more_optional="",
        composite=second[:10] + second[13:20] + second[21:-1],
        composite_check=second[-1],
        name=first[5:],
    )


def _number(zone: _Zone) -> tuple[str, str]:
    """Give the document number and what is left of the optional data.

    A number of more than nine characters (TD1, TD2) has `<` for its check digit and goes on in the optional data,
    where its check digit comes last (ICAO 9303-5 and -6, note on the document number).
    """
    if zone.number_check != "<" or zone.format is Format.TD3:
        _verify_field(zone.number, zone.number_check, "number")
        return _bare(zone.number), _bare(zone.optional + zone.more_optional)
    rest, _, left = zone.optional.partition("<")
    _verify_field(zone.number + rest[:-1], rest[-1:], "number")
    return _bare(zone.number + rest[:-1]), _bare(left + zone.more_optional)


def _verify(zone: _Zone) -> None:
    _verify_field(zone.birth, zone.birth_check, "birth_date")
    _verify_field(zone.expiry, zone.expiry_check, "expires_on")
    if zone.optional_check is not None and not (zone.optional_check == "<" and not _bare(zone.optional)):
        _verify_field(zone.optional, zone.optional_check, "optional")
    _verify_field(zone.composite, zone.composite_check, "composite")


def _verify_field(text: str, digit: str, name: str) -> None:
    if digit != check_digit(text):
        raise Unreadable(Code.CHECK_DIGIT, name)


def _document_type(zone: _Zone) -> str:
    if zone.head[0] not in ("P" if zone.format is Format.TD3 else "ACI"):
        raise Unreadable(Code.CHARACTER, "document_type")
    return _bare(zone.head[:2])


def _country(text: str, name: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}|[A-Z]{2}<|[A-Z]<<", text):
        raise Unreadable(Code.CHARACTER, name)
    # Germany prints D (ICAO 9303-3, section 5); everybody after the desk knows ISO 3166's three letters.
    return "DEU" if text == "D<<" else _bare(text)


def _sex(text: str) -> str:
    if text not in "MF<":
        raise Unreadable(Code.CHARACTER, "sex")
    return text


def _birth_parts(text: str) -> tuple[int | None, int | None, int | None]:
    if not re.fullmatch(r"(\d\d|<<){3}", text):
        raise Unreadable(Code.CHARACTER, "birth_date")
    year, month, day = (None if pair == "<<" else int(pair) for pair in (text[:2], text[2:4], text[4:]))
    if not (month is None or 1 <= month <= 12) or not (day is None or 1 <= day <= 31):
        raise Unreadable(Code.DATE, "birth_date")
    return year, month, day


def _birth_date(parts: tuple[int | None, int | None, int | None], *, on: date) -> date | None:
    year, month, day = parts
    if year is None or month is None or day is None:
        return None
    born = (_day(century + year, month, day) for century in (2000, 1900))
    found = next((day for day in born if day is not None and day <= on), None)
    if found is None:
        raise Unreadable(Code.DATE, "birth_date")
    return found


def _expiry(text: str, *, on: date) -> date:
    if not re.fullmatch(r"\d{6}|<{6}", text):
        raise Unreadable(Code.CHARACTER, "expires_on")
    if text == "<<<<<<":
        raise Unreadable(Code.DATE, "expires_on")
    year = 2000 + int(text[:2])
    if year > on.year + EXPIRY_HORIZON_YEARS:
        year -= 100
    found = _day(year, int(text[2:4]), int(text[4:]))
    if found is None:
        raise Unreadable(Code.DATE, "expires_on")
    return found


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _names(text: str) -> tuple[str, str]:
    if not re.fullmatch(r"[A-Z][A-Z<]*", text):
        raise Unreadable(Code.CHARACTER, "name")
    surname, _, given_names = text.partition("<<")
    return surname.replace("<", " ").strip(), re.sub("<+", " ", given_names).strip()


def _bare(text: str) -> str:
    """Drop the filler at both ends; filler inside a number stays, it's part of what was printed."""
    return text.strip("<")
