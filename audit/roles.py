"""What each of the database's three roles may do, on PostgreSQL, and the one way in which it is set up.

The owner owns every table and does nothing but migrate. The application appends to the log and to whatever else is
append-only, and can neither change a row there nor drop, disable or pass round a trigger, since it owns nothing. The
sequencer reads entries, without their personal payload, and writes the tree over them; the application may read the
tree but not write it, so whoever takes over a web process can forge no leaf and no checkpoint. Where it isn't so,
`audit.role_findings` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from django.apps import apps
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.migrations.recorder import MigrationRecorder

from audit import append_only
from audit.models import Entry, SubjectKey, Tile, Tree

ALL: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
APPEND: Final = frozenset({"SELECT", "INSERT"})
READ: Final = frozenset({"SELECT"})
NOTHING: Final[frozenset[str]] = frozenset()

ENTRY: Final = Entry._meta.db_table
KEYS: Final = SubjectKey._meta.db_table
APPLICATIONS: Final = frozenset(  # ours, no part of the log
    {"audit_flood", "audit_alarm", "audit_compared", "audit_export"}
)
# What `record` writes. The database fills id, epoch, xid and at by itself, and nobody else does.
WRITTEN_BY_RECORD: Final = ("uid", "kind", "subject_ref", "actor", "outcome", "org", "body", "payload_ct")
# What the tree is made of; the personal payload isn't: only its hash, inside the body.
READ_BY_SEQUENCER: Final = ("id", "epoch", "xid", "at", *WRITTEN_BY_RECORD[:-1])
KEPT: Final = frozenset({Tree._meta.db_table, Tile._meta.db_table})  # changed, but never deleted
# Written when the database is migrated, by its owner.
MIGRATED: Final = (MigrationRecorder.Migration._meta.db_table, "django_content_type", "auth_permission")
READ_AT_START: Final = (MIGRATED[0], "contactcentre_mark")  # is it migrated, and is it the demo's?
LOCK: Final = 5_215_817_003  # two that set the roles up at once take turns


class NotSetUp(Exception):
    """Tell in one line why the roles can't be set up, and what to do."""


class Names(NamedTuple):
    """Name the two roles that the owner gives rights to."""

    application: str
    sequencer: str


class Rights(NamedTuple):
    """Hold what one role may do with one table: with all of it, and with single columns."""

    table: frozenset[str]
    columns: Mapping[str, frozenset[str]]


def of_application(table: str) -> Rights:
    """Tell what the application may do with a table of ours."""
    if table == ENTRY:
        return Rights(READ, {"INSERT": frozenset(WRITTEN_BY_RECORD)})
    if table == KEYS:
        return Rights(APPEND | {"DELETE"}, {})  # a key is made or destroyed, and never changed
    if table in MIGRATED or table in _tree():
        return Rights(READ, {})
    if table in append_only.protected():
        changed = {*append_only.emptied().get(table, ()), *(("id",) if table in append_only.locked() else ())}
        return Rights(APPEND, {"UPDATE": frozenset(changed)} if changed else {})
    return Rights(ALL, {})


def of_sequencer(table: str) -> Rights:
    """Tell what the sequencer may do with a table of ours: it writes the tree, and entries about its own work."""
    if table == ENTRY:
        return Rights(NOTHING, {"SELECT": frozenset(READ_BY_SEQUENCER), "INSERT": frozenset(WRITTEN_BY_RECORD)})
    if table == KEYS or (table in _tree() and table in append_only.protected()):
        return Rights(APPEND, {})
    if table in _tree():
        return Rights(ALL - {"DELETE"} if table in KEPT else ALL, {})
    return Rights(READ if table in READ_AT_START else NOTHING, {})


def _tree() -> frozenset[str]:
    """Name the tables of the tree: all of this app's that are not said to be the application's own."""
    ours = {model._meta.db_table for model in apps.get_app_config("audit").get_models()}
    return frozenset(ours - {ENTRY, KEYS, *APPLICATIONS})


def tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Name the tables of this house that exist."""
    with connection.cursor() as cursor:
        there = {table.name for table in connection.introspection.get_table_list(cursor) if table.type in "tp"}
    ours = {*connection.introspection.django_table_names(only_existing=False), MIGRATED[0]}
    return sorted(ours & there)


def create(connection: BaseDatabaseWrapper, name: str, password: str) -> bool:
    """Create a role that may log in, unless it is there; tell whether it was created. Raises NotSetUp.

    The server is sent a hash of the password (SCRAM-SHA-256), so that no log of statements holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        if cursor.fetchone():
            return False
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            said = f"CREATE ROLE {quoted(name)} LOGIN PASSWORD '...'"
            raise NotSetUp(f"There is no role {name}, and the owner may make none: have a superuser say {said}.")
        cursor.execute(
            f"CREATE ROLE {quoted(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        )
        if password:
            cursor.execute(f"ALTER ROLE {quoted(name)} PASSWORD '{_hashed(connection, name, password)}'")
        return True


def _hashed(connection: BaseDatabaseWrapper, name: str, password: str) -> str:
    hashed: bytes = connection.connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    return hashed.decode()


def grant(connection: BaseDatabaseWrapper, names: Names) -> int:
    """Give both roles exactly their rights, as the owner, in one transaction; return over how many tables.

    Safe to repeat, and needed after each migration: a new table is nobody's but the owner's until then.
    """
    found = tables(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        _around(cursor, names)
        if found:
            cursor.execute(f"REVOKE ALL ON {_listed(found)} FROM PUBLIC, {_listed(names)}")
        for table in found:
            _give(cursor, table, names.application, of_application(table))
            _give(cursor, table, names.sequencer, of_sequencer(table))
    return len(found)


def _give(cursor: CursorWrapper, table: str, role: str, rights: Rights) -> None:
    parts = sorted(rights.table) + [
        f"{kind} ({_listed(sorted(columns))})" for kind, columns in sorted(rights.columns.items())
    ]
    if parts:
        cursor.execute(f"GRANT {', '.join(parts)} ON {quoted(table)} TO {quoted(role)}")


def _around(cursor: CursorWrapper, names: Names) -> None:
    """See to the database and the schema: both roles may enter, and make nothing in either."""
    cursor.execute(
        "SELECT d.datname, n.nspname, pg_has_role(d.datdba, 'MEMBER'), pg_has_role(n.nspowner, 'MEMBER')"
        " FROM pg_database d, pg_namespace n WHERE d.datname = current_database() AND n.nspname = current_schema()"
    )
    database, schema, owns_database, owns_schema = cursor.fetchone()
    both = _listed(names)
    if owns_database:
        cursor.execute(f"REVOKE CREATE, TEMPORARY ON DATABASE {quoted(database)} FROM PUBLIC, {both}")
        cursor.execute(f"GRANT CONNECT ON DATABASE {quoted(database)} TO {both}")
    if owns_schema:
        cursor.execute(f"REVOKE CREATE ON SCHEMA {quoted(schema)} FROM PUBLIC, {both}")
        cursor.execute(f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {both}")
    # What was granted for tables to come would give more than their kind allows; this command gives it instead.
    for kind in ("TABLES", "SEQUENCES"):
        cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quoted(schema)} REVOKE ALL ON {kind} FROM {both}")


def quoted(name: str) -> str:
    """Write a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))
