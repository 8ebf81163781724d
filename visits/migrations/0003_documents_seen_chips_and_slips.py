"""What a document was, for comparing its chip; where a chip can be read; two more things that happen to a visit."""

import django.db.models.deletion
from django.db import migrations, models

KINDS = [
    ("BOOKED", "booked"),
    ("REMINDED", "reminded"),
    ("CONFIRMED", "the whole list is confirmed"),
    ("ARRIVED", "arrived"),
    ("EARLY", "arrived early"),
    ("INCOMPLETE", "papers were missing"),
    ("COMPLETE", "done"),
    ("RETURNED", "left before anything was looked at; booked as before"),
    ("NEXT", "the next visit was asked for"),
    ("CANCELLED", "cancelled by the customer"),
    ("NOT_ME", "cancelled: the customer did not book it"),
    ("SLIP", "a slip of the matter was printed for signing"),
    ("NOT_RIGHT", "the customer says that the matter is not right"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0006_strong_roads"),
        ("visits", "0002_visits_that_go_back_or_on"),
    ]

    operations = [
        migrations.AlterField(
            model_name="visitevent",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=10, verbose_name="event"),
        ),
        migrations.AddField(
            model_name="office",
            name="chip_reader",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Empty when the office has none: then nobody is sent here because of a chip.",
                max_length=120,
                verbose_name="address of the chip reader",
            ),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="SeenDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("issuer", models.CharField(max_length=3)),
                ("expires_on", models.DateField(null=True)),
                ("sealed_number", models.BinaryField()),
                (
                    "evidence",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="document",
                        to="verification.evidence",
                    ),
                ),
            ],
        ),
    ]
