"""A stranger's word that it wasn't the customer is a signal of its own kind."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0011_backchannel_requests_end"),
    ]

    operations = [
        migrations.AlterField(
            model_name="signal",
            name="kind",
            field=models.CharField(
                choices=[
                    ("PROMPT_DECLINED", "he declined a request to prove himself"),
                    ("PROMPT_ORPHAN", "a request was approved although nobody was on the line"),
                    ("NOT_ME", "he told us that it wasn't him"),
                    ("SAID_NOT_ME", "somebody unproven told us that it wasn't him"),
                ],
                max_length=20,
            ),
        ),
    ]
