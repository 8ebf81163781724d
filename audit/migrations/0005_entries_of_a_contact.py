"""Index the entries of one contact, which are named in the body alone, so that its story is found among millions."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# PostgreSQL calls convert_from stable since it depends on the database's encoding, which never changes: for the bytes
# of one entry it gives the same text for ever, and so an index may rest on it.
FUNCTION = """CREATE FUNCTION audit_contact(body bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog AS
    $body$BEGIN RETURN convert_from(body, 'UTF8')::jsonb #>> '{facts,interaction}'; END$body$"""
POSTGRESQL = [
    FUNCTION,
    "CREATE INDEX audit_entry_contact ON audit_entry (audit_contact(body), id)",
]
OF_SQLITE = "json_extract(CAST(body AS TEXT), '$.facts.interaction')"
SQLITE = [f"CREATE INDEX audit_entry_contact ON audit_entry ({OF_SQLITE}, id)"]


def add_index(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in {"postgresql": POSTGRESQL, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_index(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute("DROP INDEX audit_entry_contact")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION audit_contact(bytea)")


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_watch")]

    operations = [migrations.RunPython(add_index, drop_index)]
