"""Copy each entry's organisation out of its body into a column, so that a list can be kept to one organisation."""

import json

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from audit import append_only

TABLE = "audit_entry"


def add_column(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(f"ALTER TABLE {TABLE} ADD COLUMN org text NOT NULL DEFAULT ''")
    _lift_guards(schema_editor)
    _copy(schema_editor)
    append_only.install(schema_editor.connection, [TABLE])
    schema_editor.execute(f"CREATE INDEX audit_entry_org ON {TABLE} (org, id)")


def drop_column(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute("DROP INDEX audit_entry_org")
    schema_editor.execute(f"ALTER TABLE {TABLE} DROP COLUMN org")


def _lift_guards(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let this one change through, inside the migration's transaction; what was hashed stays as it is."""
    on = f' ON "{TABLE}"' if schema_editor.connection.vendor == "postgresql" else ""
    for trigger in append_only.statements(schema_editor.connection, TABLE):
        schema_editor.execute(f'DROP TRIGGER IF EXISTS "{trigger}"{on}')


def _copy(schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        last = 0
        while True:
            cursor.execute(f"SELECT id, body FROM {TABLE} WHERE id > %s ORDER BY id LIMIT 1000", [last])  # noqa: S608
            rows = cursor.fetchall()
            if not rows:
                return
            values = [(json.loads(bytes(body))["org"], number) for number, body in rows]
            cursor.executemany(f"UPDATE {TABLE} SET org = %s WHERE id = %s", values)  # noqa: S608 - a constant
            last = rows[-1][0]


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_log")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add_column, drop_column)],
            state_operations=[
                migrations.AddField(
                    "entry", "org", models.TextField(default="", editable=False, verbose_name="organisation")
                )
            ],
        ),
    ]
