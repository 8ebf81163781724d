"""Parameters of actions: the one form that the admin, the API and the keypad all go through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _


class NoParameters(forms.Form):
    """An action that is asked for without any particulars."""


def clean(form: type[forms.Form], raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return (validated parameters, errors by field); one of the two is empty.

    Stricter than a web form: a list or an object where one value belongs, and a name that the action does not know, are
    errors and not quietly turned into text.
    """
    fields = form.base_fields
    errors = {name: [_("There is no such parameter.")] for name in raw if name not in fields}
    for name, value in raw.items():
        if name in fields and not _fits(fields[name], value):
            errors[name] = [_("The value is of the wrong type.")]
    if errors:
        return {}, errors
    filled = form(data={name: value for name, value in raw.items() if value is not None})
    if filled.is_valid():
        return filled.cleaned_data, {}
    return {}, {name: [str(message) for message in messages] for name, messages in filled.errors.items()}


def _fits(field: forms.Field, value: object) -> bool:
    if isinstance(field, forms.MultipleChoiceField):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(field, forms.IntegerField):
        return value is None or (isinstance(value, (int, str)) and not isinstance(value, bool))
    if isinstance(field, forms.BooleanField):
        return value is None or isinstance(value, (bool, str))
    return value is None or isinstance(value, str)
