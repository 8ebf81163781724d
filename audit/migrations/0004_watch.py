"""Add what is counted of floods, the answers of the standing questions, and how far the comparison has come."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_tree"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alarm",
            fields=[
                ("code", models.TextField(primary_key=True, serialize=False)),
                ("value", models.BigIntegerField()),
                ("began_at", models.DateTimeField(null=True)),
                ("watched_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "alarm",
                "verbose_name_plural": "alarms",
                "db_table": "audit_alarm",
            },
        ),
        migrations.CreateModel(
            name="Compared",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until", models.DateTimeField()),
            ],
            options={
                "db_table": "audit_compared",
            },
        ),
        migrations.CreateModel(
            name="Flood",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "minute", "door", "source", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("door", models.TextField()),
                ("source", models.TextField()),
                ("count", models.BigIntegerField()),
                ("told", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "audit_flood",
                "indexes": [
                    models.Index(condition=models.Q(("told", False)), fields=["minute"], name="audit_flood_untold")
                ],
            },
        ),
    ]
