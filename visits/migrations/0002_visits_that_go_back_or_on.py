"""Two more things that can happen to a visit; the names alone, the table stays as it is."""

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
]


class Migration(migrations.Migration):
    dependencies = [("visits", "0001_offices_and_visits")]

    operations = [
        migrations.AlterField(
            model_name="visitevent",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=10, verbose_name="event"),
        ),
    ]
