"""Claims carry the keyed hash of the number that was claimed, so that limits count nobody's numbers too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0002_staff_tokens")]

    operations = [
        migrations.AddField(
            model_name="claim",
            name="mark",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(fields=["mark", "claimed_at"], name="claims_of_number"),
        ),
    ]
