"""The database refuses too: triggers, made from the declarations, that let rows in only while the gate holds an
Opening.

A guarded table is insert-only. An INSERT needs an Opening of an action that declares this table among its `writes`, for
the same customer; UPDATE, DELETE and TRUNCATE are refused (audit.append_only). What changes is another row. The one
exception is an erasure: under the Opening of an action that `erases`, a row's personal columns may be emptied, all of
them at once, and nothing else of it changes.

What this is worth: plain SQL, a stray save() or a shell session fails. Someone who may run DDL, or who forges a Grant
and an Opening in one transaction, does not, nor does someone who forges Evidence, which is seen outside the gate and is
append-only but not guarded; the log's own checks find a Grant, and evidence, without its Entry.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import append_only
from verification.declarations import Misdeclared, all_declared
from verification.emptying import is_left

OPENING: Final = "verification_opening"
_GUARDED: Final[dict[str, str]] = {}
_EMPTIED: Final[dict[str, tuple[str, ...]]] = {}


class Altered(RuntimeError):
    """Stop the start: the database lacks a guard that the declarations ask for, or holds another."""


def protect(model: str, *, customer: str = "customer_id") -> None:
    """Guard a model's table ("app.Model"); `customer` is the column that an Opening's customer must equal."""
    _GUARDED[model] = customer
    append_only.protect(_table(model))


def may_be_emptied(model: str, *fields: str) -> None:
    """Name the personal fields of a model whose rows stay: an erasure empties them, and nothing else does."""
    _EMPTIED[model] = fields
    append_only.may_be_emptied(_table(model), fields, when=partial(_emptying, model))


def emptied() -> dict[str, tuple[str, ...]]:
    """Return the personal fields that an erasure empties, by model."""
    return dict(_EMPTIED)


def _emptying(model: str, connection: BaseDatabaseWrapper) -> str:
    actions = [declared.name for declared in all_declared() if declared.erases]
    opened = _exists(f"o.action IN ({_quoted(actions)}) AND o.batch")
    same = "IS NOT DISTINCT FROM" if connection.vendor == "postgresql" else "IS"
    personal = set(_EMPTIED[model])
    return " AND ".join(
        [opened]
        + [
            is_left(field, connection.vendor)
            if field.name in personal
            else f'NEW."{field.column}" {same} OLD."{field.column}"'
            for field in apps.get_model(model)._meta.concrete_fields
        ]
    )


def guarded() -> frozenset[str]:
    """Return the labels of every guarded model."""
    return frozenset(_GUARDED)


def _table(model: str) -> str:
    app, name = model.split(".")
    return f"{app}_{name.lower()}"


def _writers(model: str, *, batch: bool) -> list[str]:
    return [a.name for a in all_declared() if model in a.writes and (a.origin == "batch") is batch]


def conditions(vendor: str) -> dict[str, str]:
    """Return, for each table, the SQL condition under which a new row (NEW) may come in."""
    for declared in all_declared():
        for model in declared.writes:
            if model not in _GUARDED:
                raise Misdeclared(f"the action {declared.name!r} writes {model}, which nobody guards")
    same = "IS NOT DISTINCT FROM" if vendor == "postgresql" else "IS"
    tables = {_table(model): _row_condition(model, column, same) for model, column in _GUARDED.items()}
    tables[OPENING] = _opening_condition(same)
    tables["verification_tripwire"] = "1 = 0"
    return tables


def _row_condition(model: str, column: str, same: str) -> str:
    live, batch = _writers(model, batch=False), _writers(model, batch=True)
    ways = []
    if live:
        ways.append(_exists(f"o.action IN ({_quoted(live)}) AND o.customer_id {same} NEW.{column}"))
    if batch:
        ways.append(_exists(f"o.action IN ({_quoted(batch)}) AND o.batch"))
    return " OR ".join(ways) or "1 = 0"


def _exists(condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM {OPENING} o WHERE {condition})"  # noqa: S608  (names of ours, no input)


def _opening_condition(same: str) -> str:
    """Let an Opening in only beside an unspent Grant of the same action, customer and origin."""
    return (
        "EXISTS (SELECT 1 FROM verification_grant g WHERE g.id = NEW.grant_id AND g.action = NEW.action"  # noqa: S608
        f" AND g.customer_id {same} NEW.customer_id AND (g.batch_id IS NOT NULL) = NEW.batch"
        " AND NOT EXISTS (SELECT 1 FROM verification_spent s WHERE s.grant_id = g.id))"
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _sqlite(table: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER guard_{table} BEFORE INSERT ON {table} WHEN NOT ({condition}) "
        f"BEGIN SELECT RAISE(ABORT, 'guard: no opening for {table}'); END"
    )


def _postgresql_body(table: str, condition: str) -> str:
    return (
        f"BEGIN IF {condition} THEN RETURN NEW; END IF; "
        f"RAISE EXCEPTION 'guard: no opening for {table}' USING ERRCODE = '42501'; END"
    )


def install(using: str = "default") -> None:
    """Install every guard anew. Called after migrate, since SQLite drops the triggers of a table that it remakes."""
    connection = connections[using]
    _check_tables(connection)
    with connection.cursor() as cursor:
        for table, condition in conditions(connection.vendor).items():
            cursor.execute(f"DROP TRIGGER IF EXISTS guard_{table}" + _on(connection.vendor, table))
            if connection.vendor == "sqlite":
                cursor.execute(_sqlite(table, condition))
                continue
            body = _postgresql_body(table, condition)
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION guard_{table}() RETURNS trigger LANGUAGE plpgsql"
                f" SET {append_only.search_path(connection)} AS $guard${body}$guard$"
            )
            cursor.execute(
                f"CREATE TRIGGER guard_{table} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION guard_{table}()"
            )
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER guard_{table}")


def _check_tables(connection: Any) -> None:
    there = set(connection.introspection.table_names())
    if missing := sorted(set(conditions(connection.vendor)) - there):
        raise Altered(
            f"There is no table {missing[0]} to guard; run `manage.py makemigrations` for its app, then `migrate`."
        )


def _on(vendor: str, table: str) -> str:
    return f" ON {table}" if vendor == "postgresql" else ""


def verify(using: str = "default") -> None:
    """Raise Altered, naming the table, when a guard is missing, disabled or not what the declarations ask for."""
    connection = connections[using]
    found = _found(connection)
    for table, condition in conditions(connection.vendor).items():
        write = _sqlite if connection.vendor == "sqlite" else _postgresql_body
        if found.get(f"guard_{table}") != write(table, condition):
            raise Altered(f"The guard of {table} is missing or altered: run `manage.py migrate` to install it again.")
    append_only.verify(connection)


def _found(connection: Any) -> dict[str, str]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard_%'")
        else:
            cursor.execute(
                "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
                " WHERE t.tgname LIKE 'guard_%%' AND t.tgenabled = 'A' AND t.tgtype = 7 AND t.tgqual IS NULL"
                " AND t.tgrelid = to_regclass(substr(t.tgname, 7))"
                " AND p.proconfig = ARRAY['search_path=pg_catalog, ' || current_schema() || ', pg_temp']"
            )
        return dict(cursor.fetchall())


def known_tables() -> frozenset[str]:
    """Return the tables of guarded models as Django names them, to hold the two spellings against each other."""
    return frozenset(apps.get_model(model)._meta.db_table for model in _GUARDED)
