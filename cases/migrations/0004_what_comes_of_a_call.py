"""What a promised call is about, and what came of it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KINDS = [
    ("OPENED", "opened to be made"),
    ("REACHED", "reached"),
    ("NO_ANSWER", "no answer"),
    ("NO_NUMBER", "no number to call"),
    ("CANCELLED", "not wanted any more"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0003_what_our_caller_says"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="callback",
            name="about",
            field=models.CharField(
                choices=[("MATTER", "his matter"), ("HOME_VISIT", "how we come to him")],
                default="MATTER",
                max_length=12,
                verbose_name="about",
            ),
        ),
        migrations.CreateModel(
            name="CallBackEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=KINDS, max_length=10, verbose_name="what")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "call_back",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="cases.callback"
                    ),
                ),
            ],
        ),
    ]
