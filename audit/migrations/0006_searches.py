"""Index what auditors search by and can't be found among millions otherwise: kind, rare outcomes, the action."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# As audit_contact (0005): immutable in fact, since the database's encoding never changes.
FUNCTION = """CREATE FUNCTION audit_action(body bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog AS
    $body$BEGIN RETURN convert_from(body, 'UTF8')::jsonb #>> '{facts,action}'; END$body$"""
OF_SQLITE = "json_extract(CAST(body AS TEXT), '$.facts.action')"
DECISIONS = "'gate.failed', 'gate.granted', 'gate.malformed', 'gate.proposed', 'gate.refused', 'gate.rejected'"
KIND = "CREATE INDEX audit_entry_kind ON audit_entry (kind, id)"
# The outcomes left out are those of most entries: some of the newest have them at any time, and no index need say so.
# Nor does an entry that is no decision of the gate pay for reading its action out of its body.
POSTGRESQL = [
    FUNCTION,
    KIND,
    "CREATE INDEX audit_entry_outcome ON audit_entry (outcome, id) WHERE outcome NOT IN ('ok', 'granted')",
    f"CREATE INDEX audit_entry_action ON audit_entry (audit_action(body), id) WHERE kind IN ({DECISIONS})",
]
SQLITE = [
    KIND,
    "CREATE INDEX audit_entry_outcome ON audit_entry (outcome, id)",
    f"CREATE INDEX audit_entry_action ON audit_entry ({OF_SQLITE}, id)",
]


def add_indexes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in {"postgresql": POSTGRESQL, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_indexes(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("kind", "outcome", "action"):
        schema_editor.execute(f"DROP INDEX audit_entry_{name}")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION audit_action(bytea)")


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_entries_of_a_contact")]

    operations = [migrations.RunPython(add_indexes, drop_indexes)]
