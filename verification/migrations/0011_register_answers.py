"""What a national register of authorizations answered, of one action under one claim."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0009_documents_by_strength")]

    operations = [
        migrations.CreateModel(
            name="RegisterAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.CharField(max_length=60)),
                (
                    "said",
                    models.CharField(
                        choices=[
                            ("YES", "the right is there"),
                            ("NO", "there is no such right"),
                            ("UNKNOWN", "the register did not tell"),
                        ],
                        max_length=8,
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=120)),
                ("until", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField()),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="register_answers",
                        to="verification.claim",
                    ),
                ),
            ],
        ),
    ]
