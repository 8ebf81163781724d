"""A backchannel request is done some time after its prompt: what was asked is looked after once more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0011_register_answers")]

    operations = [
        migrations.AddField(
            model_name="cibarequest",
            name="done_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="cibarequest",
            name="due_at",
            field=models.DateTimeField(),
        ),
        migrations.AddIndex(
            model_name="cibarequest",
            index=models.Index(
                condition=models.Q(("done_at__isnull", True)), fields=["due_at"], name="backchannel_requests_due"
            ),
        ),
    ]
