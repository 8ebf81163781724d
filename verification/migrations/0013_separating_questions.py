"""Which of several customers of one name is calling: that it may be asked, and what came of it."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0012_word_of_a_stranger"),
    ]

    operations = [
        migrations.AlterField(
            model_name="claim",
            name="source",
            field=models.CharField(
                choices=[
                    ("KEYPAD", "typed on the keypad"),
                    ("STAFF", "told to the staff"),
                    ("VISIT", "booked visit"),
                    ("QUESTION", "told apart on the keypad"),
                ],
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="SeparatingQuestion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("mark", models.CharField(max_length=64)),
                ("sealed_name", models.BinaryField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OFFERED", "Offered"),
                            ("ASKED", "Asked"),
                            ("TURNED", "Turned"),
                            ("HEARD", "Heard"),
                            ("PICKED", "Picked"),
                            ("NOT_PICKED", "Not Picked"),
                            ("SKIPPED", "Skipped"),
                            ("FAILED", "Failed"),
                            ("OVER", "Over"),
                        ],
                        default="OFFERED",
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "interaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="separating_questions",
                        to="verification.interaction",
                    ),
                ),
                (
                    "search",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="question",
                        to="verification.namesearch",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["mark", "asked_at"], name="questions_of_name"),
                    models.Index(fields=["asked_by", "asked_at"], name="questions_of_staff"),
                    models.Index(
                        condition=models.Q(("state__in", ("ASKED", "TURNED", "HEARD"))),
                        fields=["due_at"],
                        name="questions_open",
                    ),
                ],
            },
        ),
    ]
