"""Customer numbers: eight digits, no leading zero, the last a check digit (ISO 7064 MOD 11,10). And identity codes."""

from __future__ import annotations

import hmac
import re
from datetime import date
from hashlib import sha256
from typing import Final

from django.conf import settings


def check_digit(seven: str) -> str:
    """Return the check digit of seven digits. It catches every single wrong digit and every swap of neighbours."""
    product = 10
    for digit in seven:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def well_formed(number: str) -> bool:
    """Tell whether this could be a customer number at all."""
    digits = len(number) == 8 and number.isascii() and number.isdigit()
    return digits and number[0] != "0" and check_digit(number[:7]) == number[7]


def mark(number: str) -> str:
    """Return the keyed hash (HMAC-SHA-256, hex) that stands for a claimed number, somebody's or nobody's.

    What is limited is counted by it, so that a limit tells no more of a stranger's guess than of a customer.
    """
    return hmac.new(settings.FIELD_KEY, b"number\x00" + number.encode(), sha256).hexdigest()


IDENTITY_CODE: Final = r"^[0-9]{6}[-+YXWVUABCDEF][0-9]{3}[0-9A-FHJ-NPR-Y]$"
_CHECK_CHARACTERS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def good_identity_code(code: str) -> bool:
    """Tell whether this could be a Finnish personal identity code: its form and its check character.

    The check doesn't cover the sign of the century, so two people may differ in it alone: always compare all eleven.
    """
    if re.fullmatch(IDENTITY_CODE, code) is None:
        return False
    return _CHECK_CHARACTERS[int(code[:6] + code[7:10]) % 31] == code[10]


def identity_code(born: date, individual: int) -> str:
    """Return a personal identity code for a birth date and an individual number from 2 to 999, with its check.

    Those of 900 to 999 are never given to anybody, and so are for the demo and tests.
    """
    sign = {18: "+", 19: "-", 20: "A"}[born.year // 100]
    digits = f"{born:%d%m%y}{individual:03d}"
    return f"{digits[:6]}{sign}{digits[6:]}{_CHECK_CHARACTERS[int(digits) % 31]}"


def born_of(code: str) -> date | None:
    """Return the birth date in a personal identity code, None when it is none or its day isn't in the calendar."""
    if not good_identity_code(code):
        return None
    century = {"+": 1800}.get(code[6], 2000 if code[6] in "ABCDEF" else 1900)
    try:
        return date(century + int(code[4:6]), int(code[2:4]), int(code[:2]))
    except ValueError:
        return None


def identity_mark(code: str) -> str:
    """Return the keyed hash that stands for a personal identity code.

    It is an identifier, never evidence: it finds whose login came back from a broker, and knowing it proves nothing.
    """
    return hmac.new(settings.FIELD_KEY, b"identity\x00" + code.strip().upper().encode(), sha256).hexdigest()
