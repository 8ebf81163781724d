"""What came of a granted action, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from verification.masking import LABELS

MOMENTS: dict[str, Promise] = {
    "until": _("in force until"),
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
}
NO_CASE = _("there is no case")


def lines(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (label, value) for what is worth reading aloud; ids are left to the machines."""
    told = [(str(label), _moment(result[name])) for name, label in MOMENTS.items() if result.get(name)]
    told += [(str(label), str(result[name])) for name, label in PLAIN.items() if result.get(name) not in (None, "")]
    if "amount" in result:
        told.append((str(_("amount")), f"{int(result['amount']) / 100:.2f} {result.get('currency', '')}".strip()))
    if "state" in result:
        told.append((str(_("state of the case")), _state(str(result["state"]))))
    return told


def record(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the disclosed fields, for reading aloud; only a granted disclosure has any."""
    return [(str(LABELS.get(name, name)), value) for name, value in (result.get("record") or {}).items()]


def _moment(text: str) -> str:
    return date_format(timezone.localtime(datetime.fromisoformat(text)), "DATETIME_FORMAT")


def _state(state: str) -> str:
    return str(Case.State(state).label) if state in Case.State.values else str(NO_CASE)
