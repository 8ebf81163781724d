"""Add the Merkle tree over the entries: which entry is which leaf, the tiles of hashes, checkpoints and their notes."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Now


def store_as_they_are(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let PostgreSQL not try to compress hashes, which can't be."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE audit_tile ALTER COLUMN hashes SET STORAGE EXTERNAL")


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_organisation")]

    operations = [
        migrations.CreateModel(
            name="Tree",
            fields=[
                ("log", models.IntegerField(primary_key=True, serialize=False)),
                ("origin", models.TextField()),
                ("size", models.BigIntegerField(default=0)),
                ("root", models.BinaryField()),
                ("last_epoch", models.IntegerField(default=0)),
                ("last_xid", models.BigIntegerField(default=0)),
                ("last_id", models.BigIntegerField(default=0)),
                ("cluster", models.TextField(default="")),
                ("follows", models.TextField(default="")),
                ("stopped_at", models.DateTimeField(null=True)),
                ("stopped_because", models.TextField(default="")),
            ],
            options={"db_table": "audit_tree"},
        ),
        migrations.CreateModel(
            name="Leaf",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "leaf_index", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.IntegerField()),
                ("leaf_index", models.BigIntegerField()),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="audit.entry",
                    ),
                ),
            ],
            options={
                "db_table": "audit_leaf",
                "constraints": [models.UniqueConstraint(fields=("entry", "log"), name="audit_leaf_entry")],
            },
        ),
        migrations.CreateModel(
            name="Tile",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "level", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.IntegerField()),
                ("level", models.IntegerField()),
                ("n", models.BigIntegerField()),
                ("hashes", models.BinaryField()),
            ],
            options={"db_table": "audit_tile"},
        ),
        migrations.RunPython(store_as_they_are, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "size", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.IntegerField()),
                ("size", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("made_at", models.DateTimeField(db_default=Now())),
            ],
            options={"db_table": "audit_checkpoint"},
        ),
        migrations.CreateModel(
            name="SignedCheckpoint",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "size", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.IntegerField()),
                ("size", models.BigIntegerField()),
                ("note", models.TextField()),
                ("signed_at", models.DateTimeField()),
            ],
            options={"db_table": "audit_signed_checkpoint"},
        ),
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "log", "vkey", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("log", models.IntegerField()),
                ("vkey", models.TextField()),
                ("since", models.BigIntegerField()),
                ("first_used_at", models.DateTimeField()),
            ],
            options={"db_table": "audit_signing_key"},
        ),
        migrations.CreateModel(
            name="Sink",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("log", models.IntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
                ("given_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("attempts", models.IntegerField(default=0)),
                ("failure", models.TextField(default="")),
            ],
            options={"db_table": "audit_sink"},
        ),
    ]
