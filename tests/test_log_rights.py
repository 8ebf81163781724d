"""On PostgreSQL three roles stand apart: the application appends, the sequencer numbers, and neither goes round it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, SystemCheckError
from django.db import DatabaseError, ProgrammingError, connection, transaction

from audit import append_only, roles
from audit.checks import roles_stand_apart
from audit.models import Entry
from audit.role_findings import findings
from tests.databases import Template, pointed_at
from tests.test_log_entries import write
from tests.three_roles import Roles, handed_over

COLUMNS = "uid, kind, subject_ref, actor, outcome, org, body, payload_ct"
NEW = f"INSERT INTO audit_entry ({COLUMNS}{{more}}) SELECT gen_random_uuid(), 'x.y', 's', 'a', 'ok', '', body, NULL"
FORGED = {"id": "77", "xid": "'1'::xid8", "at": "now() - interval '1 year'", "epoch": "9"}
WAYS_ROUND = [
    "UPDATE audit_entry SET kind = 'other'",
    "UPDATE audit_entry SET body = body",
    "DELETE FROM audit_entry",
    "DELETE FROM audit_subject_key",
    "TRUNCATE audit_entry",
    "TRUNCATE audit_entry CASCADE",
    "SET session_replication_role = replica",
    "SET LOCAL session_replication_role = replica",
    "ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_ao_row",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "ALTER TABLE audit_entry ENABLE REPLICA TRIGGER audit_entry_ao_row",
    "DROP TRIGGER audit_entry_ao_row ON audit_entry",
    "CREATE TRIGGER swallow BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER FUNCTION audit_append_only() RENAME TO elsewhere",
    "CREATE RULE swallow AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
    "CREATE POLICY hidden ON audit_entry USING (false)",
    "ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY",
    "DROP TABLE audit_entry",
    "DROP SCHEMA public CASCADE",
    "ALTER TABLE audit_entry RENAME TO gone",
    "ALTER TABLE audit_entry ALTER COLUMN body DROP NOT NULL",
    "ALTER TABLE audit_entry ALTER COLUMN at SET DEFAULT now()",
    "ALTER TABLE audit_entry OWNER TO CURRENT_USER",
    "ALTER TABLE audit_entry INHERIT audit_tree",
    "DROP INDEX audit_entry_cursor",
    "CREATE TABLE audit_shadow (id int)",
    "CREATE TEMPORARY TABLE audit_entry (id int)",
    "CREATE FUNCTION shadow() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA shadow",
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION {owner}",
    "GRANT {owner} TO {application}",
    "CREATE ROLE helper SUPERUSER LOGIN",
    "ALTER ROLE {application} SUPERUSER",
    "ALTER ROLE {application} SET session_replication_role = replica",
    "LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE",
    "COPY audit_entry FROM PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/out'",
    "SELECT setval(pg_get_serial_sequence('audit_entry', 'id'), 1)",
    "SELECT lo_import('/etc/passwd')",
    f"INSERT INTO audit_entry ({COLUMNS}) SELECT {COLUMNS} FROM audit_entry"
    " ON CONFLICT (uid) DO UPDATE SET kind = 'other'",
    "MERGE INTO audit_entry a USING audit_entry b ON a.id = b.id WHEN MATCHED THEN DELETE",
    "MERGE INTO audit_entry a USING audit_entry b ON a.id = b.id WHEN MATCHED THEN UPDATE SET kind = 'other'",
    "SELECT * FROM audit_entry FOR UPDATE",
    "INSERT INTO audit_tree (log, origin, size, root, last_epoch, last_xid, last_id, cluster, follows, stopped_because)"
    " VALUES (9, 'ours', 0, '', 0, 0, 0, '', '', '')",
    "UPDATE audit_tree SET size = 0",
    "INSERT INTO audit_leaf (log, leaf_index, entry_id) VALUES (1, 99, 99)",
    "DELETE FROM audit_leaf",
    "INSERT INTO audit_tile (log, level, n, hashes) VALUES (1, 0, 99, '')",
    "UPDATE audit_tile SET hashes = ''",
    "INSERT INTO audit_checkpoint (log, size, root) VALUES (1, 99, '')",
    "INSERT INTO audit_signed_checkpoint (log, size, note, signed_at) VALUES (1, 99, '', now())",
    "DELETE FROM audit_signed_checkpoint",
    "UPDATE audit_sink SET size = 0",
    "UPDATE audit_subject_key SET wrapped = ''",
    "DELETE FROM django_migrations",
    "UPDATE verification_evidence SET kind = 'CHIP'",
    "DELETE FROM verification_refusal",
    "TRUNCATE verification_grant CASCADE",
    "UPDATE verification_grant SET action = 'refund_to_new_account'",
    "ALTER TABLE verification_hold DISABLE TRIGGER guard_verification_hold",
    "INSERT INTO verification_tripwire (id) VALUES (1)",
    *(NEW.format(more=f", {column}") + f", {value} FROM audit_entry" for column, value in FORGED.items()),
    NEW.format(more=", id") + ", 77 FROM audit_entry",
    f"INSERT INTO audit_entry (id, {COLUMNS}) OVERRIDING SYSTEM VALUE SELECT 77, gen_random_uuid(), 'x.y', 's', 'a',"
    " 'ok', '', body, NULL FROM audit_entry",
]  # fmt: skip

DENIED = ("42501", "428C9")  # insufficient privilege; a column that the database alone fills

if connection.vendor == "postgresql":

    @pytest.fixture(scope="module")
    def shared(template_database: Template, django_db_blocker: Any) -> Iterator[Roles]:
        """Three roles over one database for all the ways round, none of which changes anything."""
        with django_db_blocker.unblock(), pointed_at(template_database.clone()), handed_over() as made:
            make_roles(made)
            with made.as_("owner"):
                roles.grant(connection, roles.Names(made.application, made.sequencer))
            with made.as_("application"), transaction.atomic():
                write()
            yield made

    @pytest.fixture
    def standing(shared: Roles) -> Iterator[Roles]:
        with shared.as_("application"):
            yield shared

    @pytest.fixture
    def fresh(live_database: str) -> Iterator[Roles]:
        with handed_over() as made:
            yield made

    def make_roles(made: Roles) -> None:
        made.superuser(f"CREATE ROLE {made.application} LOGIN", f"CREATE ROLE {made.sequencer} LOGIN")

    def stored() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM audit_entry ORDER BY id")
            return list(cursor.fetchall())

    @pytest.mark.parametrize("statement", WAYS_ROUND, ids=lambda statement: statement[:70])
    def test_the_application_finds_no_way_round(standing: Roles, statement: str) -> None:
        before = stored()
        with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(**vars(standing)) if "{" in statement else statement)
        assert refused.value.__cause__.sqlstate in DENIED, refused.value
        assert stored() == before

    def test_a_copy_forges_neither_number_nor_moment(standing: Roles) -> None:
        with psycopg.connect(standing.url("application")) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(f"COPY audit_entry (xid, at, {COLUMNS}) FROM STDIN")
        with psycopg.connect(standing.url("application")) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute("COPY audit_entry FROM STDIN")

    def test_the_application_appends_and_the_database_fills_in_the_rest(standing: Roles) -> None:
        before = len(stored())
        with transaction.atomic():
            uid = write()
        row = Entry.objects.get(uid=uid)
        assert (row.epoch, len(stored())) == (1, before + 1)

    def test_who_owns_nothing_gives_nothing_away(standing: Roles) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"GRANT UPDATE ON audit_entry TO {standing.application}")
            cursor.execute("SELECT has_any_column_privilege('audit_entry', 'UPDATE')")
            assert cursor.fetchone() == (False,)

    @pytest.mark.parametrize("table", sorted(append_only.protected()))
    def test_of_what_only_grows_the_application_may_change_nothing(standing: Roles, table: str) -> None:
        columns = {*append_only.emptied().get(table, ()), *(("id",) if table in append_only.locked() else ())}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
                " AND has_column_privilege(attrelid, attnum, 'UPDATE')",
                [table],
            )
            assert {name for (name,) in cursor.fetchall()} == columns, "rows are locked by their key alone, or emptied"
            for kind in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES"):
                cursor.execute("SELECT has_table_privilege(%s, %s)", [table, kind])
                assert cursor.fetchone() == (False,), kind

    SEQUENCER_MAY = [
        "SELECT id, epoch, xid, at, uid, kind, subject_ref, actor, outcome, org, body FROM audit_entry",
        "INSERT INTO audit_tree (log, origin, size, root, last_epoch, last_xid, last_id, cluster, follows,"
        " stopped_because) VALUES (9, 'ours', 0, '', 0, 0, 0, '', '', '')",
        "SELECT * FROM audit_tree FOR UPDATE SKIP LOCKED",
        "UPDATE audit_tree SET size = size",
        "INSERT INTO audit_leaf (log, leaf_index, entry_id) VALUES (9, 0, 1)",
        "INSERT INTO audit_tile (log, level, n, hashes) VALUES (9, 0, 0, '') ON CONFLICT (log, level, n)"
        " DO UPDATE SET hashes = EXCLUDED.hashes",
        "INSERT INTO audit_checkpoint (log, size, root) VALUES (9, 1, '')",
        "INSERT INTO audit_signed_checkpoint (log, size, note, signed_at) VALUES (9, 1, '', now())",
        "INSERT INTO audit_sink (name, log, size, due_at, attempts, failure) VALUES ('a', 9, 1, now(), 0, '')",
    ]
    SEQUENCER_MAY_NOT = [
        *WAYS_ROUND[:4],
        "SET session_replication_role = replica",
        "SET ROLE {application}",
        "SET ROLE {owner}",
        "SELECT payload_ct FROM audit_entry",
        "SELECT * FROM audit_entry",
        "DELETE FROM audit_subject_key",
        NEW.format(more=", at") + ", now() FROM audit_entry",
        "SELECT * FROM verification_customer",
        "SELECT * FROM verification_staff",
        "SELECT * FROM django_session",
        "INSERT INTO verification_grant (action) VALUES ('refund_to_new_account')",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('audit', 'x', now())",
        "UPDATE audit_leaf SET entry_id = 0",
        "DELETE FROM audit_leaf",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_signed_checkpoint SET note = ''",
        "DELETE FROM audit_tree",
        "TRUNCATE audit_tile",
        "ALTER TABLE audit_leaf DISABLE TRIGGER ALL",
    ]

    def test_the_sequencer_does_its_work(standing: Roles) -> None:
        with standing.as_("sequencer"), transaction.atomic(), connection.cursor() as cursor:
            for statement in SEQUENCER_MAY:
                cursor.execute(statement)
            write()
            transaction.set_rollback(True)

    @pytest.mark.parametrize("statement", SEQUENCER_MAY_NOT, ids=lambda statement: statement[:60])
    def test_the_sequencer_does_nothing_else(standing: Roles, statement: str) -> None:
        with (
            standing.as_("sequencer"),
            pytest.raises(ProgrammingError) as refused,
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement.format(**vars(standing)))
        assert refused.value.__cause__.sqlstate == "42501"

    ASTRAY = {
        "ALTER ROLE {application} SUPERUSER": "is a superuser",
        "ALTER ROLE {application} CREATEROLE": "may create roles",
        "ALTER ROLE {application} REPLICATION": "may replicate",
        "ALTER ROLE {application} BYPASSRLS": "passes row security",
        "GRANT {owner} TO {application}": "may become the owner of",
        "ALTER ROLE {application} NOINHERIT; GRANT {owner} TO {application}": "may become the owner of",
        "ALTER TABLE cases_case OWNER TO {application}": "owns, or may become the owner of, the table cases_case",
        "ALTER FUNCTION audit_append_only() OWNER TO {application}": "the function audit_append_only",
        "GRANT UPDATE ON audit_entry TO {application}": "{application} may UPDATE audit_entry",
        "GRANT UPDATE (org) ON audit_entry TO {application}": "{application} may UPDATE audit_entry (org)",
        "GRANT DELETE ON audit_entry TO PUBLIC": "{sequencer} may DELETE audit_entry",
        "GRANT TRUNCATE ON verification_refusal TO {application}": "may TRUNCATE verification_refusal",
        "GRANT TRIGGER ON audit_entry TO {application}": "may TRIGGER audit_entry",
        "GRANT INSERT ON audit_entry TO {application}": "may INSERT audit_entry",
        "GRANT INSERT (at, xid) ON audit_entry TO {application}": "may INSERT audit_entry (at, xid)",
        "GRANT INSERT ON audit_leaf TO {application}": "{application} may INSERT audit_leaf",
        "GRANT UPDATE (note) ON audit_signed_checkpoint TO {application}": "audit_signed_checkpoint (note)",
        "GRANT UPDATE ON verification_evidence TO {application}": "may UPDATE verification_evidence",
        "GRANT UPDATE (action) ON verification_grant TO {application}": "may UPDATE verification_grant (action)",
        "GRANT SET ON PARAMETER session_replication_role TO {application}": "may set session_replication_role",
        "GRANT CREATE ON SCHEMA public TO {application}": "may make tables and functions",
        "GRANT CREATE ON DATABASE {database} TO {application}": "may make schemas",
        "GRANT TEMPORARY ON DATABASE {database} TO PUBLIC": "may make temporary tables",
        "GRANT pg_write_all_data TO {application}": "is a member of pg_write_all_data",
        "GRANT pg_execute_server_program TO {sequencer}": "{sequencer} is a member of pg_execute_server_program",
        "GRANT {sequencer} TO {application}": "{application} may become {sequencer}",
        "GRANT {application} TO {sequencer}": "{sequencer} may become {application}",
        "GRANT SELECT ON verification_customer TO {sequencer}": "{sequencer} may SELECT verification_customer",
        "REVOKE INSERT (body) ON audit_entry FROM {application}": "{application} may not INSERT audit_entry (body)",
        "GRANT SELECT (payload_ct) ON audit_entry TO {sequencer}": "{sequencer} may SELECT audit_entry (payload_ct)",
        "REVOKE SELECT ON cases_case FROM {application}": "{application} may not SELECT cases_case",
        "CREATE RULE swallow AS ON INSERT TO audit_entry DO INSTEAD NOTHING": "has the rule swallow on audit_entry",
        "CREATE TRIGGER swallow BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION"
        " suppress_redundant_updates_trigger()": "has the trigger swallow on audit_entry",
        "ALTER TABLE audit_entry ALTER COLUMN xid SET DEFAULT '3'::xid8": "fills audit_entry.xid with '3'",
        "ALTER TABLE audit_entry ALTER COLUMN at SET DEFAULT '2020-01-01'": "fills audit_entry.at with '2020",
        "ALTER TABLE audit_entry ALTER COLUMN epoch DROP DEFAULT": "fills audit_entry.epoch with nothing",
        "ALTER TABLE audit_entry ALTER COLUMN id SET GENERATED BY DEFAULT": "fills audit_entry.id with d",
        "ALTER TABLE verification_evidence ENABLE ROW LEVEL SECURITY": "has row security on verification_evidence",
    }  # fmt: skip

    @pytest.mark.parametrize(("statement", "said"), ASTRAY.items(), ids=[name[:60] for name in ASTRAY])
    def test_whatever_goes_astray_is_told(standing: Roles, statement: str, said: str) -> None:
        names = roles.Names(standing.application, standing.sequencer)
        with standing.as_("postgres"), transaction.atomic(), connection.cursor() as cursor:
            assert findings(connection, names) == []
            cursor.execute(statement.format(**vars(standing)))
            found = [str(finding) for finding in findings(connection, names)]
            transaction.set_rollback(True)
        assert [one for one in found if said.format(**vars(standing)) in one], found

    def test_a_role_that_is_not_there_and_a_sequencer_that_is_none_are_told(standing: Roles) -> None:
        def told(*names: str) -> set[str]:
            return {str(finding) for finding in findings(connection, roles.Names(*names))}

        assert told(standing.application, "nobody_at_all") == {"nobody_at_all does not exist"}
        assert told(standing.application, "") == {"the sequencer has no role of its own"}
        assert told(standing.application, standing.application) == {f"{standing.application} is the sequencer as well"}

    def test_the_check_stops_the_start_outside_the_demo_and_warns_inside_it(standing: Roles, settings: Any) -> None:
        settings.SEQUENCER_DATABASE_URL = standing.url("sequencer")
        assert roles_stand_apart(databases=["default"]) == []
        assert roles_stand_apart(databases=None) == [], "only a check that may ask the database asks it"
        call_command("check", databases=["default"])
        with standing.as_("owner"):
            assert {found.id for found in roles_stand_apart(databases=["default"])} == {"audit.E001"}
            with pytest.raises(SystemCheckError, match="owns, or may become the owner of"):
                call_command("check", databases=["default"])
            settings.DEMO = True
            assert {found.id for found in roles_stand_apart(databases=["default"])} == {"audit.W001"}

    def test_one_command_sets_the_roles_up_and_may_be_repeated(fresh: Roles, settings: Any) -> None:
        with pytest.raises(CommandError, match=r"There is no role app_.*have a superuser say CREATE ROLE"):
            fresh.set_up(settings)
        fresh.superuser(f"ALTER ROLE {fresh.owner} CREATEROLE")
        assert f"created {fresh.application}" in fresh.set_up(settings)
        fresh.superuser(
            f"ALTER ROLE {fresh.owner} NOCREATEROLE",
            f"GRANT UPDATE, DELETE ON audit_entry, verification_grant TO {fresh.application}",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {fresh.owner} IN SCHEMA public GRANT ALL ON TABLES"
            f" TO {fresh.application}",
        )  # fmt: skip
        assert "have their rights on" in fresh.set_up(settings)
        with fresh.as_("owner"), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE to_come (id int)")
        with fresh.as_("application"):
            assert findings(connection, roles.Names(fresh.application, fresh.sequencer)) == []
            with pytest.raises(ProgrammingError), connection.cursor() as cursor:
                cursor.execute("SELECT * FROM to_come")

    @pytest.mark.slow
    def test_what_the_operators_page_says_makes_a_database_that_serves(
        template_database: Template, tmp_path: Path
    ) -> None:
        made = Roles(
            *(f"{name}_{os.getpid()}" for name in ("centre", "centre_owner", "centre_app", "centre_sequencer"))
        )
        try:
            made.superuser_of_the_server(*as_documented(made))
            done = prepare(made, tmp_path)
            assert done.returncode == 0, done.stdout
            with psycopg.connect(made.url("application")) as application:
                assert application.execute("SELECT count(*) FROM audit_entry").fetchone() is not None
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    application.execute("DELETE FROM audit_entry")
            assert prepare(made, tmp_path).returncode == 0, "and once more, now that all stands"
        finally:
            made.superuser_of_the_server(f"DROP DATABASE IF EXISTS {made.database} WITH (FORCE)")
            for role in (made.owner, made.application, made.sequencer):
                made.superuser_of_the_server(f"DROP ROLE IF EXISTS {role}")

    def as_documented(made: Roles) -> list[str]:
        """Return the statements of docs/deploy.md, with names of this test's own."""
        text = (settings.BASE_DIR / "docs" / "deploy.md").read_text(encoding="utf-8")
        said = re.findall(r"^    (CREATE .*);$", text, re.MULTILINE)
        assert len(said) == 4
        return [re.sub(r"\b(centre\w*)\b", rf"\1_{os.getpid()}", statement) for statement in said]

    def prepare(made: Roles, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run `manage.py up --prepare` as before a release."""
        env = {name: os.environ[name] for name in ("PATH", "SECRET_KEY", "FIELD_KEY", "RECEIPT_KEY", "PUBLIC_URL")}
        env |= {"DATA_DIR": str(folder), "DATABASE_URL": made.url("application"), "LOG_LEVEL": "WARNING"}
        env |= {"DATABASE_OWNER_URL": made.url("owner"), "SEQUENCER_DATABASE_URL": made.url("sequencer")}
        command = [sys.executable, "manage.py", "up", "--prepare"]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=env, timeout=120, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def test_what_the_owner_cannot_take_away_is_told(fresh: Roles, settings: Any) -> None:
        make_roles(fresh)
        fresh.superuser(f"GRANT {fresh.owner} TO {fresh.application}")
        with pytest.raises(CommandError, match="or may become the owner of, the database"):
            fresh.set_up(settings)

    def test_the_three_addresses_must_name_three_roles(settings: Any) -> None:
        settings.DATABASE_OWNER_URL = settings.DATABASE_URL = "postgresql://one@127.0.0.1/centre"
        settings.SEQUENCER_DATABASE_URL = "postgresql://two@127.0.0.1/centre"
        with pytest.raises(CommandError, match="three different roles; they name one, one, two"):
            call_command("database_roles")


def test_only_rows_that_may_be_locked_are_locked() -> None:
    """PostgreSQL would refuse it to the application only when it happens; here it is read out of the source."""
    locking = re.compile(
        r"\b([A-Z]\w+)\.objects[^\n]*\.select_for_update|= ([A-Z]\w+)\.objects[^\n]*\n[^\n]*rows\.select_for"
    )
    models = {model.__name__: model._meta.db_table for model in apps.get_models()}
    locked = {
        models[one or other]
        for app in ("audit", "notices", "verification", "visits", "cases", "ivr", "contactcentre")
        for path in (settings.BASE_DIR / app).rglob("*.py")
        for one, other in locking.findall(path.read_text(encoding="utf-8"))
    }
    assert "verification_interaction" in locked
    assert locked & {*append_only.protected()} == {*append_only.locked()}


def test_without_postgresql_there_is_nothing_to_set_up(settings: Any) -> None:
    settings.DATABASE_OWNER_URL, settings.DATABASE_URL = "", "sqlite:///centre.sqlite3"
    with pytest.raises(CommandError, match="DATABASE_OWNER_URL must name a role of a PostgreSQL database"):
        call_command("database_roles")


if connection.vendor == "sqlite":

    def test_on_sqlite_nothing_is_asked_of_roles() -> None:
        assert roles_stand_apart(databases=["default"]) == []
