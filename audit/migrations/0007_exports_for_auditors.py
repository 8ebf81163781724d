"""Add the periods that auditors ask for as a file."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_searches")]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("organisation", models.TextField()),
                ("asked_by", models.TextField()),
                ("purpose", models.TextField()),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("with_csv", models.BooleanField(default=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("ASKED", "waiting to be written"),
                            ("WRITING", "being written"),
                            ("READY", "ready to be fetched"),
                            ("EMPTY", "nothing of that period is signed"),
                            ("FAILED", "could not be written"),
                            ("VOID", "thrown away"),
                        ],
                        default="ASKED",
                    ),
                ),
                ("done", models.BigIntegerField(default=0)),
                ("of", models.BigIntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
                ("attempts", models.IntegerField(default=0)),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("void_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audit_export",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["ASKED", "WRITING", "READY"])),
                        fields=["due_at"],
                        name="audit_export_due",
                    )
                ],
            },
        ),
    ]
