"""Codes by text message are settled by a task; a call may go on with a dropped one; what a caller says he can't use."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0007_staff_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="interaction",
            name="resumes",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="resumed_by",
                to="verification.interaction",
            ),
        ),
        migrations.AddField(
            model_name="interaction",
            name="said",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="smscode",
            name="mark",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="smscode",
            name="settled_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="smscode",
            name="hashed",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddIndex(
            model_name="smscode",
            index=models.Index(fields=["mark", "sent_at"], name="sms_codes_of_number"),
        ),
        migrations.AddIndex(
            model_name="smscode",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", True)), fields=["sent_at"], name="sms_codes_unsettled"
            ),
        ),
    ]
