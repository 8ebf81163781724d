"""Ask the database for what stands in the bodies of entries: the contact that one belongs to, and other facts."""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

INDEXED: Final = {"interaction": "audit_contact", "action": "audit_action"}


class Fact(models.Func):
    """Give one fact of an entry's body as text, NULL where it has none. The fact's name is a constant of ours."""

    output_field = models.TextField()

    def __init__(self, name: str) -> None:
        if not name.isidentifier():
            raise ValueError(f"{name!r} is no name of a fact")
        super().__init__("body", name=name)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """Write it for PostgreSQL, where contact and action are asked by the functions that their indexes rest on."""
        function = INDEXED.get(self.extra["name"])
        template = f"{function}(%(expressions)s)" if function else (
            "(convert_from(%(expressions)s, 'UTF8')::jsonb #>> '{facts,%(name)s}')"
        )  # fmt: skip
        return super().as_sql(compiler, connection, template=template, **context)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """Write it for SQLite, as its index has it."""
        template = "json_extract(CAST(%(expressions)s AS TEXT), '$.facts.%(name)s')"
        return super().as_sql(compiler, connection, template=template, **context)


CONTACT = Fact("interaction")
ACTION = Fact("action")
