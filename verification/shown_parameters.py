"""An action's parameters in plain words: what the person reads before he approves, and nothing else is approved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verification.declarations import declared
from verification.results import money

SUMS = {"amount": gettext_lazy("Amount"), "most": gettext_lazy("At most each time")}


def lines(action: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (label, value) of every parameter that was given, in the order of the action's form.

    One that the form doesn't know any more is shown by its name: nothing that is approved may be hidden.
    """
    found = declared(action)
    fields = found.form.base_fields if found else {}
    ordered = [*(name for name in fields if name in parameters), *(name for name in parameters if name not in fields)]
    return [
        (_label(name, fields.get(name)), _value(name, parameters[name], fields.get(name)))
        for name in ordered
        if parameters[name] not in (None, "", [])
    ]


def _label(name: str, field: forms.Field | None) -> str:
    if name in SUMS:
        return str(SUMS[name])
    return str(capfirst(str(field.label))) if field is not None and field.label else name.replace("_", " ")


def _value(name: str, value: Any, field: forms.Field | None) -> str:
    if isinstance(value, list):
        return ", ".join(_value(name, each, field) for each in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in SUMS and isinstance(value, int):
        return money(value)
    if isinstance(field, forms.ChoiceField):
        return _choice(field, value)
    if isinstance(field, forms.DateField):
        return date_format(date.fromisoformat(str(value)), "j.n.Y")
    return str(value)


def _choice(field: forms.ChoiceField, value: Any) -> str:
    flat: Any = field.choices
    labels = {str(code): str(label) for code, label in flat if not isinstance(label, list | tuple)}
    return labels.get(str(value), str(value))
