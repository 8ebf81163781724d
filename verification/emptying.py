"""What is left of personal data in rows that stay: nothing where nothing may stand, else the mark of an erased row."""

from __future__ import annotations

from typing import Any

from django.db import models


def left(field: models.Field[Any, Any], pk: int) -> Any:
    """Return what an emptied field of the row `pk` holds."""
    if field.null:
        return None
    if field.unique:
        return f"E{pk:07x}"  # no customer number begins with a letter
    if isinstance(field, models.BinaryField):
        return b""
    return {} if isinstance(field, models.JSONField) else ""


def is_left(field: models.Field[Any, Any], vendor: str) -> str:
    """Return the SQL condition that a row's NEW value is what `left` says."""
    column = f'NEW."{field.column}"'
    if field.null:
        return f"{column} IS NULL"
    if field.unique:
        mark = "'E' || lpad(to_hex(NEW.id), 7, '0')" if vendor == "postgresql" else "printf('E%07x', NEW.id)"
        return f"{column} = {mark}"
    if isinstance(field, models.BinaryField):
        return f"octet_length({column}) = 0" if vendor == "postgresql" else f"length({column}) = 0"
    if isinstance(field, models.JSONField):
        return f"{column} = '{{}}'" + ("::jsonb" if vendor == "postgresql" else "")
    return f"{column} = ''"


def empty(rows: models.QuerySet[Any], *fields: str) -> int:
    """Empty these fields of every row, inside the gate's erasing action; return how many rows there were."""
    kinds = [rows.model._meta.get_field(name) for name in fields]
    count = 0
    for pk in rows.values_list("pk", flat=True):
        rows.model._base_manager.filter(pk=pk).update(**{kind.name: left(kind, pk) for kind in kinds})
        count += 1
    return count
