"""Count the keypad's failures by claimed number: one count for customers and for numbers that are nobody's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0003_claimed_numbers")]

    operations = [
        migrations.DeleteModel(name="AuthenticatorUse"),
        migrations.CreateModel(
            name="KeypadRoad",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mark", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("TOTP", "one-time code of an app"), ("CODE_LIST", "code list")], max_length=10
                    ),
                ),
                ("last_step", models.BigIntegerField(default=-1)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("backing_off_until", models.DateTimeField(blank=True, null=True)),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name="keypadroad",
            constraint=models.UniqueConstraint(fields=("mark", "kind"), name="one_keypad_road_of_a_kind"),
        ),
    ]
