"""Comparing the name in a document's zone with the name on record, letter by letter (ICAO 9303-3, section 6)."""

import re
import unicodedata

from visits.mrz import Mrz

SPELLINGS: dict[str, tuple[str, ...]] = {
    "Ä": ("AE", "A"),
    "Ö": ("OE", "O"),
    "Å": ("AA", "A"),
    "Æ": ("AE",),
    "Ø": ("OE", "O"),
    "Ü": ("UE", "UXX", "U"),
    "Ñ": ("N", "NXX"),
    "ß": ("SS",),
    "ẞ": ("SS",),
    "Þ": ("TH",),
    "Ð": ("D",),
    "Đ": ("D",),
    "Ł": ("L",),
    "Œ": ("OE",),
    "Ŋ": ("N",),
    "Ŧ": ("T",),
    "Ħ": ("H",),
    "ı": ("I",),
    "'": ("",),
    "’": ("",),
    ".": ("",),
}
"""How issuers spell a letter that the zone lacks; both habits are met in documents that are valid today."""


def name_matches(mrz: Mrz, family_name: str, given_names: str) -> bool:
    """Tell whether the recorded name can be the one in the zone.

    The family name must be the same; every recorded given name must stand among the document's, in order (a record
    often lacks the middle names). Where the zone cut the names to fit, a part may be a beginning. A name in letters
    with no agreed spelling never matches: then the clerk compares by eye and says so.
    """
    family, given = _parts(family_name), _parts(given_names)
    shown_family, shown_given = mrz.surname.split(), mrz.given_names.split()
    if not family or bool(given) != bool(shown_given):
        return False
    cut = mrz.names_cut
    return _same(shown_family, family, cut=cut) and _among(shown_given, given, cut=cut)


def same_name(shown: str, recorded: str, *, whole: bool = True) -> bool:
    """Tell whether two written names are the same, whatever their case and composition; without `whole` the recorded
    parts need only stand among the shown ones, in order.
    """
    given, kept = _folded(shown), _folded(recorded)
    if whole or not kept:
        return given == kept
    rest = iter(given)
    return all(part in rest for part in kept)


def _folded(name: str) -> list[str]:
    return [part.casefold() for part in _parts(name)]


def _parts(name: str) -> list[str]:
    composed = unicodedata.normalize("NFC", name)
    return [part for part in re.split(r"[\s,\-\u2010-\u2015]+", composed) if part]


def _same(shown: list[str], recorded: list[str], *, cut: bool) -> bool:
    if len(shown) != len(recorded) and not (cut and len(shown) < len(recorded)):
        return False
    return all(_spells(one, other, cut=cut) for one, other in zip(shown, recorded, strict=False))


def _among(shown: list[str], recorded: list[str], *, cut: bool) -> bool:
    left = list(recorded)
    for one in shown:
        if left and _spells(one, left[0], cut=cut):
            left.pop(0)
    return not left or (cut and len(left) < len(recorded))


def _spells(shown: str, recorded: str, *, cut: bool) -> bool:
    """Walk both words together; a set of places instead of a list of variants, so that ÄÄÄÄ costs no more than AAAA."""
    places = {0}
    for letter in recorded:
        spellings = _spellings(letter)
        if cut and any(spelling.startswith(shown[place:]) for place in places for spelling in spellings):
            return True
        places = {
            place + len(spelling) for place in places for spelling in spellings if shown.startswith(spelling, place)
        }
    return len(shown) in places


def _spellings(letter: str) -> tuple[str, ...]:
    upper = letter if letter in SPELLINGS else letter.upper()
    if upper in SPELLINGS:
        return SPELLINGS[upper]
    plain = unicodedata.normalize("NFKD", upper)[:1]
    return (plain,) if "A" <= plain <= "Z" else ()
