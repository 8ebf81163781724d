"""Where the database's roles may do more than they should, or less than they need. PostgreSQL only.

Everything is asked of the catalogue by the name of a role, so the owner can look before he leaves, and the application
can look at itself. A superuser and a member of the owner's role pass every guard there is; the other questions are
about smaller doors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from audit import append_only
from audit.roles import ENTRY, Names, Rights, of_application, of_sequencer, tables

TABLE_RIGHTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
COLUMN_RIGHTS: Final = ("SELECT", "INSERT", "UPDATE")
POWERS: Final = (
    ("rolsuper", "is a superuser, whom nothing stops"),
    ("rolcreaterole", "may create roles, and on PostgreSQL 15 make itself a member of the owner's"),
    ("rolreplication", "may replicate, which reads everything"),
    ("rolbypassrls", "passes row security"),
)
GROUPS: Final = [
    "pg_write_all_data", "pg_execute_server_program", "pg_write_server_files", "pg_read_server_files",
]  # fmt: skip
PARAMETER: Final = "session_replication_role"

OWNED = """
SELECT what || ' ' || name FROM (
  SELECT 'the database' AS what, datname::text AS name, datdba AS owner FROM pg_database
    WHERE datname = current_database()
  UNION ALL SELECT 'the schema', nspname, nspowner FROM pg_namespace WHERE nspname = current_schema()
  UNION ALL SELECT 'the table', relname, relowner FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION ALL SELECT 'the function', proname, proowner FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
) theirs WHERE pg_has_role(%s, owner, 'MEMBER') ORDER BY what, name"""
MAY_MAKE = """
SELECT what FROM (VALUES
  ('may make tables and functions in the schema', has_schema_privilege(%s, current_schema(), 'CREATE')),
  ('may make schemas in the database', has_database_privilege(%s, current_database(), 'CREATE')),
  ('may make temporary tables', has_database_privilege(%s, current_database(), 'TEMPORARY')))
AS asked (what, may) WHERE may"""
MAY_BECOME = """
SELECT 1 FROM pg_roles one, pg_roles other
WHERE one.rolname = %s AND other.rolname = %s AND pg_has_role(one.oid, other.oid, 'MEMBER')"""
ON_TABLES = """
SELECT c.relname, k.kind FROM pg_class c CROSS JOIN unnest(%s::text[]) AS k(kind)
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)
  AND has_table_privilege(%s, c.oid, k.kind)"""
ON_COLUMNS = """
SELECT c.relname, k.kind, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
CROSS JOIN unnest(%s::text[]) AS k(kind)
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(%s, c.oid, a.attnum, k.kind) AND NOT has_table_privilege(%s, c.oid, k.kind)"""
STRANGERS = """
SELECT 'the rule ' || r.rulename || ' on ' || c.relname FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)
UNION ALL SELECT 'the trigger ' || t.tgname || ' on ' || c.relname
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s) AND NOT t.tgisinternal
  AND t.tgname NOT IN (c.relname || '_ao_row', c.relname || '_ao_truncate', 'guard_' || c.relname)
UNION ALL SELECT 'row security on ' || c.relname FROM pg_class c
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s) AND c.relrowsecurity"""

# What the database fills in by itself, of which the sequencer and the alarms make their order.
FILLED = {
    "id": "a", "epoch": r"\d+", "xid": r"pg_current_xact_id\(\)", "at": r"clock_timestamp\(\)",
}  # fmt: skip
FILLS = """
SELECT a.attname, coalesce(nullif(a.attidentity::text, ''), pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = to_regclass(%s) AND a.attname = ANY(%s) ORDER BY a.attnum"""


class Finding(NamedTuple):
    """Say of one role, or of the database, what is not as it should be."""

    role: str
    what: str

    def __str__(self) -> str:
        return f"{self.role} {self.what}"


def findings(connection: BaseDatabaseWrapper, names: Names) -> list[Finding]:
    """List what isn't as it should be with the application, the sequencer, and the protected tables."""
    found = list(_of(connection, names.application, of_application))
    if not names.sequencer:
        found.append(Finding("the sequencer", "has no role of its own"))
    elif names.sequencer == names.application:
        found.append(Finding(names.application, "is the sequencer as well"))
    elif not found or found[0].what != POWERS[0][1]:
        found += _of(connection, names.sequencer, of_sequencer)
        found += _each_other(connection, names)
    return [*found, *_strangers(connection)]


def of_application_alone(connection: BaseDatabaseWrapper, application: str) -> list[Finding]:
    """List what isn't as it should be with the application and the protected tables, without the sequencer."""
    return [*_of(connection, application, of_application), *_strangers(connection)]


def _of(connection: BaseDatabaseWrapper, role: str, rights: Callable[[str], Rights]) -> Iterator[Finding]:
    powers = _powers(connection, role)
    if powers is None:
        yield Finding(role, "does not exist")
        return
    yield from (Finding(role, power) for power in powers)
    if POWERS[0][1] in powers:
        return  # of whom the catalogue says that he may do everything
    owned = [str(name) for (name,) in _rows(connection, OWNED, [role])]
    if owned:
        more = f" and {len(owned) - 1} more" if owned[1:] else ""
        yield Finding(role, f"owns, or may become the owner of, {owned[0]}{more}")
    yield from (Finding(role, f"is a member of {group}") for group in _groups(connection, role))
    yield from (Finding(role, str(what)) for (what,) in _rows(connection, MAY_MAKE, [role] * 3))
    if _may_set_parameter(connection, role):
        yield Finding(role, f"may set {PARAMETER}")
    if not owned:
        yield from _of_tables(connection, role, rights)


def _powers(connection: BaseDatabaseWrapper, role: str) -> list[str] | None:
    columns = ", ".join(column for column, _ in POWERS)
    rows = _rows(connection, f"SELECT {columns} FROM pg_roles WHERE rolname = %s", [role])  # noqa: S608 - constants
    if not rows:
        return None
    return [said for (_, said), has in zip(POWERS, rows[0], strict=True) if has]


def _groups(connection: BaseDatabaseWrapper, role: str) -> list[str]:
    statement = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(%s, oid, 'MEMBER')"
    return [str(name) for (name,) in _rows(connection, statement, [GROUPS, role])]


def _may_set_parameter(connection: BaseDatabaseWrapper, role: str) -> bool:
    """Tell whether a superuser has granted the role what turns plain triggers off (possible since PostgreSQL 15)."""
    return bool(_rows(connection, "SELECT has_parameter_privilege(%s, %s, 'SET')", [role, PARAMETER])[0][0])


def _each_other(connection: BaseDatabaseWrapper, names: Names) -> Iterator[Finding]:
    for one, other in (names, names[::-1]):
        if _rows(connection, MAY_BECOME, [one, other]):
            yield Finding(one, f"may become {other}")


def _of_tables(connection: BaseDatabaseWrapper, role: str, rights: Callable[[str], Rights]) -> Iterator[Finding]:
    ours = tables(connection)
    whole, parts = _standing(connection, role, ours)
    for table in ours:
        should = rights(table)
        for kind in TABLE_RIGHTS:
            if (kind in whole[table]) != (kind in should.table):
                yield Finding(role, f"may {'' if kind in whole[table] else 'not '}{kind} {table}")
        for kind in COLUMN_RIGHTS:
            asked = frozenset() if kind in whole[table] else should.columns.get(kind, frozenset())
            if differing := sorted(parts[table, kind] ^ asked):
                more = bool(parts[table, kind] - asked)
                yield Finding(role, f"may {'' if more else 'not '}{kind} {table} ({', '.join(differing)})")


def _standing(
    connection: BaseDatabaseWrapper, role: str, ours: list[str]
) -> tuple[dict[str, set[str]], dict[tuple[str, str], frozenset[str]]]:
    """Return the rights over whole tables, and those over single columns where there is none over all of them."""
    whole: dict[str, set[str]] = defaultdict(set)
    for table, kind in _rows(connection, ON_TABLES, [list(TABLE_RIGHTS), ours, role]):
        whole[table].add(kind)
    parts: dict[tuple[str, str], frozenset[str]] = defaultdict(frozenset)
    for table, kind, column in _rows(connection, ON_COLUMNS, [list(COLUMN_RIGHTS), ours, role, role]):
        parts[table, kind] |= {column}
    return whole, parts


def _strangers(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    """Find what could swallow or alter a row on its way into a protected table: rules, triggers, row security."""
    protected = sorted({*append_only.protected(), ENTRY})
    for (what,) in _rows(connection, STRANGERS, [protected] * 3):
        yield Finding("the database", f"has {what}, which is none of ours")
    for column, filled in _rows(connection, FILLS, [ENTRY, list(FILLED)]):
        if not re.fullmatch(FILLED[column], filled):
            yield Finding("the database", f"fills {ENTRY}.{column} with {filled or 'nothing'}, which is none of ours")


def _rows(connection: BaseDatabaseWrapper, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
