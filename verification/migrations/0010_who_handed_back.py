"""Who put a contact back into the queue: a transfer is told from the first wait, and from role to role."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0009_setups_and_closed_accounts"),
    ]

    operations = [
        migrations.AddField(
            model_name="interaction",
            name="handed_back_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
