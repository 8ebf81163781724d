"""An action's form as JSON Schema: the API, its documentation and the admin read one declaration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms

_KINDS: Final[tuple[tuple[type[forms.Field], dict[str, Any]], ...]] = (  # a subclass stands before its base
    (forms.IntegerField, {"type": "integer"}),
    (forms.BooleanField, {"type": "boolean"}),
    (forms.UUIDField, {"type": "string", "format": "uuid"}),
    (forms.EmailField, {"type": "string", "format": "email"}),
    (forms.DateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateField, {"type": "string", "format": "date"}),
    (forms.MultipleChoiceField, {"type": "array", "items": {"type": "string"}}),
)


def schema_of(form: type[forms.Form]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a form's parameters; labels in the active language."""
    fields = form.base_fields
    return {
        "type": "object",
        "properties": {name: _property(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def _property(field: forms.Field) -> dict[str, Any]:
    kind = next((dict(schema) for base, schema in _KINDS if isinstance(field, base)), {"type": "string"})
    if field.label:
        kind["title"] = str(field.label)
    if isinstance(field, forms.MultipleChoiceField):
        return kind
    return kind | _choices(field) | _limits(field)


def _choices(field: forms.Field) -> dict[str, Any]:
    if not isinstance(field, forms.ChoiceField):
        return {}
    empty = [] if field.required else [""]
    return {"enum": list(dict.fromkeys([*empty, *(str(value) for value, _label in _pairs(field.choices))]))}


def _pairs(choices: Any) -> Iterable[tuple[Any, Any]]:
    pairs: Iterable[tuple[Any, Any]] = choices
    return pairs


def _limits(field: forms.Field) -> dict[str, Any]:
    names = {
        "max_length": "maxLength",
        "min_length": "minLength",
        "min_value": "minimum",
        "max_value": "maximum",
    }
    limits = {ours: getattr(field, theirs, None) for theirs, ours in names.items()}
    if isinstance(field, forms.CharField) and field.required:
        limits["minLength"] = limits["minLength"] or 1
    if isinstance(field, forms.RegexField):
        limits["pattern"] = field.regex.pattern
    return {name: limit for name, limit in limits.items() if limit is not None}
