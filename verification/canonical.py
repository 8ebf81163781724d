"""Parameters in one form: what is hashed, approved, parked and read back is always the same bytes."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import rfc8785
from django.conf import settings
from django.db.models import Model


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return validated parameters as JSON values: text, whole numbers, booleans, null and lists of them."""
    return {name: _plain(value) for name, value in sorted(parameters.items())}


def _plain(value: Any) -> Any:
    match value:
        case bool() | int() | str() | None:
            return value
        case datetime() | date():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case Model():
            return str(getattr(value, "public_id", value.pk))
        case list() | tuple():
            return [_plain(item) for item in value]
    raise TypeError(f"a parameter of type {type(value).__name__} has no canonical form")


def digest(action: str, parameters: Mapping[str, Any]) -> str:
    """Return the keyed hash (HMAC-SHA-256, hex) of an action with its parameters, canonical by RFC 8785.

    Keyed, because the plain hash of an address or a sum is found by trying.
    """
    message = rfc8785.dumps({"action": action, "parameters": plain(parameters)})
    return hmac.new(settings.FIELD_KEY, b"parameters\x00" + message, sha256).hexdigest()
