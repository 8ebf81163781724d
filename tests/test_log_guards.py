"""A protected table takes new rows only, whatever SQL is tried, and a missing or altered guard is named."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit import append_only
from audit.append_only import Altered
from audit.models import Entry
from tests.test_log_entries import write

VENDOR = connection.vendor
TRIGGERS = {"postgresql": ["row", "truncate"], "sqlite": ["delete", "replace", "update"]}[VENDOR]
COLUMNS = "uid, kind, subject_ref, actor, outcome, body, payload_ct"

BOTH = [
    "UPDATE audit_entry SET kind = 'other'",
    "UPDATE audit_entry SET id = id + 100" if VENDOR == "sqlite" else "UPDATE audit_entry SET body = body",
    "DELETE FROM audit_entry",
    "DELETE FROM audit_entry WHERE kind = 'gate.refused'",
    f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS} FROM audit_entry WHERE true"
    " ON CONFLICT (uid) DO UPDATE SET kind = 'other'",
]
ONLY = {
    "postgresql": [
        "TRUNCATE audit_entry",
        "TRUNCATE audit_entry CASCADE",
        "SET LOCAL session_replication_role = replica; DELETE FROM audit_entry",
        "SET LOCAL session_replication_role = replica; UPDATE audit_entry SET kind = 'other'",
        "SET LOCAL session_replication_role = replica; TRUNCATE audit_entry",
        f"INSERT INTO audit_entry (id, {COLUMNS}) SELECT id + 1, {COLUMNS} FROM audit_entry",
        "MERGE INTO audit_entry a USING audit_entry b ON a.id = b.id WHEN MATCHED THEN DELETE",
    ],
    "sqlite": [
        f"INSERT OR REPLACE INTO audit_entry (id, {COLUMNS}) SELECT id, {COLUMNS} FROM audit_entry",
        f"INSERT OR REPLACE INTO audit_entry ({COLUMNS}) SELECT {COLUMNS} FROM audit_entry",
        f"REPLACE INTO audit_entry (id, {COLUMNS}) SELECT id, lower(hex(randomblob(16))), 'x',"
        " 'x', 'x', 'x', body, NULL FROM audit_entry",
        "UPDATE OR REPLACE audit_entry SET kind = 'other'",
    ],
}[VENDOR]


def stored() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_entry ORDER BY id")
        return list(cursor.fetchall())


@pytest.mark.django_db
@pytest.mark.parametrize("statement", BOTH + ONLY)
def test_no_statement_changes_or_removes_an_entry(statement: str) -> None:
    write()
    before = stored()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert stored() == before
    write()
    assert Entry.objects.count() == 2


if VENDOR == "sqlite":  # PostgreSQL has no REPLACE

    def test_replace_is_refused_even_where_recursive_triggers_are_off(live_database: str) -> None:
        with transaction.atomic():
            write()
        before = stored()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers = OFF")
            for statement in ONLY:
                with pytest.raises(DatabaseError):
                    cursor.execute(statement)
        assert stored() == before


@pytest.mark.django_db
def test_after_migration_every_guard_stands() -> None:
    assert "audit_entry" in append_only.protected()
    append_only.verify(connection)
    assert append_only.missing(connection) == []
    assert append_only.install(connection) == []


def drop(trigger: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {trigger}" + (" ON audit_entry" if VENDOR == "postgresql" else ""))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", TRIGGERS)
def test_a_missing_guard_is_named_and_installed_again(kind: str) -> None:
    drop(f"audit_entry_ao_{kind}")
    assert append_only.missing(connection) == [f"audit_entry.audit_entry_ao_{kind}"]
    with pytest.raises(Altered, match=f"audit_entry.audit_entry_ao_{kind} missing"):
        append_only.verify(connection)
    append_only.install(connection)
    append_only.verify(connection)


ALTERED = {
    "postgresql": [
        "ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_ao_row",
        "ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_ao_row",
        "DROP TRIGGER audit_entry_ao_row ON audit_entry; CREATE TRIGGER audit_entry_ao_row BEFORE UPDATE ON audit_entry"
        " FOR EACH ROW EXECUTE FUNCTION audit_append_only();"
        " ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_ao_row",
        "DROP TRIGGER audit_entry_ao_row ON audit_entry; CREATE TRIGGER audit_entry_ao_row BEFORE UPDATE OR DELETE ON"
        " audit_entry FOR EACH ROW WHEN (OLD.id < 0) EXECUTE FUNCTION audit_append_only();"
        " ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_ao_row",
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    ],
    "sqlite": [
        "DROP TRIGGER audit_entry_ao_delete; CREATE TRIGGER audit_entry_ao_delete BEFORE DELETE ON audit_entry"
        " WHEN OLD.id < 0 BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END",
    ],
}[VENDOR]


@pytest.mark.django_db
@pytest.mark.parametrize("statements", ALTERED)
def test_an_altered_guard_is_named_and_put_right(statements: str) -> None:
    parts = statements.split("; ", 1) if VENDOR == "sqlite" else [statements]
    with connection.cursor() as cursor:
        for statement in parts:
            cursor.execute(statement)
    with pytest.raises(Altered) as found:
        append_only.verify(connection)
    assert {finding.state for finding in found.value.findings} == {"altered"}
    assert "audit_entry" in {finding.table for finding in found.value.findings}
    append_only.install(connection)
    append_only.verify(connection)


@pytest.mark.django_db
def test_a_protected_table_that_is_not_there_is_named() -> None:
    with pytest.raises(Altered, match="no_such_table"):
        append_only.verify(connection, ["no_such_table"])
    assert append_only.install(connection, ["no_such_table"]) == []
