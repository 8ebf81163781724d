"""What came of a granted action, as a person reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification import waiting
from verification.masking import LABELS

MOMENTS: dict[str, Promise] = {
    "effective_at": _("takes effect"),
    "due_at": _("we call by"),
    "starts_at": _("time"),
}
PLAIN: dict[str, Promise] = {
    "lifted": _("holds lifted"),
    "opened": _("code devices opened"),
    "office": _("office"),
    "where": _("where"),
    "code": _("code"),
    "phrase": _("our words, to be read to him now"),
}
AMOUNT = _("amount")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
NO_CASE = _("there is no case")
_STATES: dict[str, str | Promise] = {}


def name_states(labels: Mapping[str, str | Promise]) -> None:
    """Take the words for the states of a case from the app that knows them; it is imported after this one."""
    _STATES.update(labels)


def lines(result: Mapping[str, Any], zone: tzinfo | None = None) -> list[tuple[str, str]]:
    """Return (label, value) for what is worth reading aloud, times in `zone`; ids are left to the machines."""
    told = [(str(label), _moment(result[name], zone)) for name, label in MOMENTS.items() if result.get(name)]
    if result.get("until"):
        told.append((str(_("in force until")), str(_("until %(time)s")) % {"time": _moment(result["until"], zone)}))
    told += [(str(label), str(result[name])) for name, label in PLAIN.items() if result.get(name) not in (None, "")]
    if "amount" in result:
        told.append((str(AMOUNT), money(int(result["amount"]), result.get("currency", "EUR"))))
    if result.get("waiting"):
        told.append((str(_("waits for a day more, and can be stopped")), waiting.named(result["waiting"])))
    if "state" in result:
        told.append((str(_("state of the case")), str(_STATES.get(str(result["state"]), NO_CASE))))
    return told


def record(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the disclosed fields, for reading aloud; only a granted disclosure has any."""
    return [(str(LABELS.get(name, name)), aloud(name, value)) for name, value in (result.get("record") or {}).items()]


def aloud(name: str, value: str) -> str:
    """Write a field as one reads it aloud: a day as 30.6.1949, an account in groups of four. A mask stays a mask."""
    if DAY.fullmatch(value):
        return date_format(date.fromisoformat(value), "j.n.Y")
    if name == "account" and value.isalnum():
        return " ".join(value[place : place + 4] for place in range(0, len(value), 4))
    return value


def money(minor: int, currency: str = "EUR") -> str:
    """Write an amount of cents in the active language: 3990 becomes "39,90 €". `currency`: ISO 4217."""
    whole = number_format(Decimal(minor) / 100, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{whole}\u00a0{'€' if currency == 'EUR' else currency}"


def _moment(text: str, zone: tzinfo | None) -> str:
    return date_format(timezone.localtime(datetime.fromisoformat(text), zone), "DATETIME_FORMAT")
