"""Keep tables append-only by triggers, on PostgreSQL and SQLite.

There is one mechanism and no migration operation: a module calls `protect("its_table")` when it is imported, and
after every `migrate` (post_migrate, see audit/apps.py) the guards of all protected tables are installed again. That
is not a luxury: SQLite remakes a table for most alterations and silently drops the triggers it had.

Triggers are guard rails. On PostgreSQL they are ENABLE ALWAYS, so that `session_replication_role = replica` does not
pass them, but the owner of a table can still drop them: in production the application is not the owner. On SQLite
`PRAGMA recursive_triggers=ON` makes REPLACE fire the DELETE guard; the INSERT guard stands behind it for every key
except partial unique indexes. `verify` tells whether the guards stand as they should.
"""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

FUNCTION = "audit_append_only"
RAISE = " RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '42501'; END"
FUNCTION_BODY = "BEGIN" + RAISE

# Bits of pg_trigger.tgtype: ROW 1, BEFORE 2, DELETE 8, UPDATE 16, TRUNCATE 32.
ROW_GUARD = 1 + 2 + 8 + 16
GOING_GUARD = 1 + 2 + 8
TRUNCATE_GUARD = 2 + 32

Condition = Callable[[BaseDatabaseWrapper], str]

_protected: dict[str, None] = {}
_locked: dict[str, None] = {}
_emptied: dict[str, tuple[tuple[str, ...], Condition]] = {}
_going: dict[str, Condition] = {}


class Altered(Exception):
    """Tell that guards are missing or differ from what they should be; `findings` names each."""

    def __init__(self, findings: "list[Finding]") -> None:
        self.findings = findings
        super().__init__("append-only guards: " + ", ".join(f"{f.table}.{f.trigger} {f.state}" for f in findings))


class Finding(NamedTuple):
    table: str
    trigger: str
    state: Literal["missing", "altered"]


def protect(*tables: str) -> None:
    """Declare tables append-only; call it at import. Installed on the next migrate."""
    _protected.update(dict.fromkeys(tables))


def may_be_emptied(table: str, columns: tuple[str, ...], *, when: Condition) -> None:
    """Let an UPDATE of a protected table through when the SQL condition `when` over OLD and NEW holds.

    It is for the erasure of personal data alone: the condition must see to it that nothing else changes.
    """
    protect(table)
    _emptied[table] = columns, when


def emptied() -> dict[str, tuple[str, ...]]:
    """Name the columns that an erasure empties, by table: who runs it needs the right to update these."""
    return {table: columns for table, (columns, _when) in _emptied.items()}


def goes_only(table: str, *, when: Condition) -> None:
    """Let rows of a table that isn't protected otherwise go only if the SQL condition `when` over OLD holds."""
    _going[table] = when


def guarded() -> tuple[str, ...]:
    """Name every table that has a guard of ours: the protected ones, and those whose rows go on a condition."""
    return (*_protected, *_going)


def protected() -> tuple[str, ...]:
    """Name every table that was declared append-only, in the order of declaration."""
    return tuple(_protected)


def lock_rows(*tables: str) -> None:
    """Declare that rows of these protected tables are locked (SELECT ... FOR UPDATE) by whoever decides about them.

    PostgreSQL asks for the right to update a column before it lets a role lock a row, so the application is given it
    for the key's column alone (audit.roles); the guard refuses every update all the same.
    """
    _locked.update(dict.fromkeys(tables))


def locked() -> tuple[str, ...]:
    """Name the protected tables whose rows are locked."""
    return tuple(_locked)


def statements(connection: BaseDatabaseWrapper, table: str) -> dict[str, list[str]]:
    """Give the SQL that installs each guard of one existing table, by the name of its trigger."""
    if connection.vendor == "postgresql":
        return _postgresql(connection, table)
    if connection.vendor == "sqlite":
        return _sqlite(connection, table)
    raise NotImplementedError(f"no append-only guard for {connection.vendor}")


def install(connection: BaseDatabaseWrapper, tables: Iterable[str] | None = None) -> list[Finding]:
    """Install what is missing or altered on those tables that exist; return what was mended."""
    existing = set(connection.introspection.table_names())
    wanted = [table for table in (guarded() if tables is None else tables) if table in existing]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _install_function(cursor)
        mended = findings(connection, wanted)
        for finding in mended:
            cursor.execute(f'DROP TRIGGER IF EXISTS "{finding.trigger}"' + _on(connection, finding.table))
            for statement in statements(connection, finding.table)[finding.trigger]:
                cursor.execute(statement)
    return mended


def lift_for_migrations(connection: BaseDatabaseWrapper) -> None:
    """Drop those guards of SQLite that name columns, which else could not be altered; `install` puts them back.

    Only the erasable tables' guards against UPDATE do, and only until the end of the `migrate` that calls this.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for table in _emptied:
                cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_ao_update"')


def missing(connection: BaseDatabaseWrapper, tables: Iterable[str] | None = None) -> list[str]:
    """Name each guard that is absent, as "table.trigger"."""
    return [f"{f.table}.{f.trigger}" for f in findings(connection, tables) if f.state == "missing"]


def verify(connection: BaseDatabaseWrapper, tables: Iterable[str] | None = None) -> None:
    """Raise Altered unless every guard of every protected table stands exactly as installed."""
    if found := findings(connection, tables):
        raise Altered(found)


def findings(connection: BaseDatabaseWrapper, tables: Iterable[str] | None = None) -> list[Finding]:
    """List the guards that are missing or differ from what they should be."""
    inspect = _inspect_postgresql if connection.vendor == "postgresql" else _inspect_sqlite
    names = list(guarded() if tables is None else tables)
    return inspect(connection, names) if names else []


def _on(connection: BaseDatabaseWrapper, table: str) -> str:
    return f' ON "{table}"' if connection.vendor == "postgresql" else ""


def _postgresql(connection: BaseDatabaseWrapper, table: str) -> dict[str, list[str]]:
    row, truncate = _row_guard(table), f"{table}_ao_truncate"
    function, body = _row_function(connection, table)
    own = [] if function == FUNCTION else [_function(function, body, f" SET {search_path(connection)}")]
    event = "DELETE" if table in _going else "UPDATE OR DELETE"
    return {
        row: [*own, *_trigger(table, row, event, f"ROW EXECUTE FUNCTION {function}()")],
        truncate: _trigger(table, truncate, "TRUNCATE", f"STATEMENT EXECUTE FUNCTION {FUNCTION}()"),
    }


def _trigger(table: str, name: str, event: str, does: str) -> list[str]:
    return [
        f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" FOR EACH {does}',
        f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{name}"',
    ]


def _row_guard(table: str) -> str:
    return f"{table}_ao_go" if table in _going else f"{table}_ao_row"


def _row_function(connection: BaseDatabaseWrapper, table: str) -> tuple[str, str]:
    """Return the function that guards the rows of a table, and its body: the common one, or one that may let through.

    The two IFs are nested because a DELETE has no NEW.
    """
    if table in _going:
        return f"{table}_ao", f"BEGIN IF {_going[table](connection)} THEN RETURN OLD; END IF;" + RAISE
    if table not in _emptied:
        return FUNCTION, FUNCTION_BODY
    condition = _emptied[table][1](connection)
    return f"{table}_ao", f"BEGIN IF TG_OP = 'UPDATE' THEN IF {condition} THEN RETURN NEW; END IF; END IF;" + RAISE


def _function(name: str, body: str, settings: str = "") -> str:
    return f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql{settings} AS $body${body}$body$"


def search_path(connection: BaseDatabaseWrapper) -> str:
    """Return the path that a trigger looks tables up by: ours first, and never a temporary table of the same name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return f"search_path = pg_catalog, {cursor.fetchone()[0]}, pg_temp"


def _install_function(cursor: CursorWrapper) -> None:
    # Replacing it on every migrate would need its owner; it is replaced only when it is not what it should be.
    cursor.execute(
        "SELECT prosrc FROM pg_proc WHERE proname = %s AND pronamespace = current_schema()::regnamespace", [FUNCTION]
    )
    if cursor.fetchone() != (FUNCTION_BODY,):
        cursor.execute(_function(FUNCTION, FUNCTION_BODY))


def _inspect_postgresql(connection: BaseDatabaseWrapper, tables: list[str]) -> list[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, t.tgtype, t.tgenabled::text, t.tgqual IS NULL, t.tgattr::text, p.proname, p.prosrc,"
            " array_to_string(p.proconfig, ';')"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE c.relname = ANY(%s) AND pg_table_is_visible(c.oid) AND NOT t.tgisinternal",
            [tables],
        )
        standing = {row[0]: row[1:] for row in cursor.fetchall()}
    path = search_path(connection).replace(" = ", "=")
    found = []
    for table in tables:
        function, body = _row_function(connection, table)
        fires = GOING_GUARD if table in _going else ROW_GUARD
        row = (fires, "A", True, "", function, body, None if function == FUNCTION else path)
        truncate = (TRUNCATE_GUARD, "A", True, "", FUNCTION, FUNCTION_BODY, None)
        for name, expected in ((_row_guard(table), row), (f"{table}_ao_truncate", truncate)):
            if name not in standing:
                found.append(Finding(table, name, "missing"))
            elif standing[name] != expected:
                found.append(Finding(table, name, "altered"))
    return found


def _sqlite(connection: BaseDatabaseWrapper, table: str) -> dict[str, list[str]]:
    keys = _sqlite_keys(connection, table)
    unless = f" WHEN NOT ({_emptied[table][1](connection)})" if table in _emptied else ""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    taken = " OR ".join("(" + " AND ".join(f'"{c}" = NEW."{c}"' for c in key) + ")" for key in keys) or "0"
    is_taken = f'EXISTS (SELECT 1 FROM "{table}" WHERE {taken})'  # noqa: S608 - names come from the schema
    create = f'CREATE TRIGGER "{table}_ao_'
    if table in _going:
        unless = f" WHEN NOT ({_going[table](connection)})"
        return {f"{table}_ao_delete": [f'{create}delete" BEFORE DELETE ON "{table}"{unless} {refuse}']}
    return {
        f"{table}_ao_update": [f'{create}update" BEFORE UPDATE ON "{table}"{unless} {refuse}'],
        f"{table}_ao_delete": [f'{create}delete" BEFORE DELETE ON "{table}" {refuse}'],
        f"{table}_ao_replace": [f'{create}replace" BEFORE INSERT ON "{table}" WHEN {is_taken} {refuse}'],
    }


def _sqlite_keys(connection: BaseDatabaseWrapper, table: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pragma_table_info(%s) WHERE pk > 0 ORDER BY pk", [table])
        keys = {tuple(name for (name,) in cursor.fetchall())}
        cursor.execute('SELECT name FROM pragma_index_list(%s) WHERE "unique" AND NOT partial', [table])
        for (index,) in cursor.fetchall():
            cursor.execute("SELECT name FROM pragma_index_info(%s) ORDER BY seqno", [index])
            keys.add(tuple(name for (name,) in cursor.fetchall()))
    # An index over an expression has a column without a name; REPLACE on it is left to recursive_triggers.
    return sorted(key for key in keys if key and None not in key)


def _inspect_sqlite(connection: BaseDatabaseWrapper, tables: list[str]) -> list[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        standing = dict(cursor.fetchall())
    found = []
    for table in tables:
        for name, (sql,) in statements(connection, table).items():
            if name not in standing:
                found.append(Finding(table, name, "missing"))
            elif standing[name] != sql:
                found.append(Finding(table, name, "altered"))
    return found
