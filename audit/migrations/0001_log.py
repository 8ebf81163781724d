"""Create the log in exactly the form it is stored in, which Django's own column types can't express."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

POSTGRESQL = [
    """CREATE TABLE audit_entry (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        epoch int NOT NULL DEFAULT 1,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        uid uuid NOT NULL UNIQUE,
        kind text NOT NULL,
        subject_ref text NOT NULL,
        actor text NOT NULL,
        outcome text NOT NULL,
        body bytea NOT NULL CHECK (octet_length(body) BETWEEN 2 AND 65535),
        payload_ct bytea)""",
    "CREATE INDEX audit_entry_cursor ON audit_entry (epoch, xid, id)",
    "CREATE INDEX audit_entry_subject ON audit_entry (subject_ref, id)",
    "CREATE INDEX audit_entry_actor ON audit_entry (actor, id)",
    # Rows lie in the order of time, so a few pages of BRIN answer a range of days.
    "CREATE INDEX audit_entry_at ON audit_entry USING brin (at)",
    "REVOKE ALL ON audit_entry FROM PUBLIC",
]

# The time is written as Django compares it: a blank between day and hour, no zone.
SQLITE = [
    """CREATE TABLE audit_entry (
        id integer PRIMARY KEY AUTOINCREMENT,
        epoch integer NOT NULL DEFAULT 1,
        at datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
        uid char(32) NOT NULL UNIQUE,
        kind text NOT NULL,
        subject_ref text NOT NULL,
        actor text NOT NULL,
        outcome text NOT NULL,
        body blob NOT NULL CHECK (length(body) BETWEEN 2 AND 65535),
        payload_ct blob)""",
    "CREATE INDEX audit_entry_subject ON audit_entry (subject_ref, id)",
    "CREATE INDEX audit_entry_actor ON audit_entry (actor, id)",
]


def create_entry(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in {"postgresql": POSTGRESQL, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_entry(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute("DROP TABLE audit_entry")


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="SubjectKey",
            fields=[
                ("subject_ref", models.TextField(primary_key=True, serialize=False)),
                ("wrapped", models.BinaryField()),
                ("commitment", models.BinaryField()),
                ("created_at", models.DateTimeField()),
            ],
            options={"db_table": "audit_subject_key"},
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(create_entry, drop_entry)],
            state_operations=[
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("epoch", models.IntegerField(editable=False)),
                        ("at", models.DateTimeField(editable=False, verbose_name="at")),
                        ("uid", models.UUIDField(editable=False, unique=True, verbose_name="receipt")),
                        ("kind", models.TextField(editable=False, verbose_name="kind")),
                        ("subject_ref", models.TextField(editable=False, verbose_name="subject")),
                        ("actor", models.TextField(editable=False, verbose_name="actor")),
                        ("outcome", models.TextField(editable=False, verbose_name="outcome")),
                        ("body", models.BinaryField()),
                        ("payload_ct", models.BinaryField(null=True)),
                    ],
                    options={"db_table": "audit_entry", "verbose_name": "entry", "verbose_name_plural": "entries"},
                ),
            ],
        ),
    ]
