"""Seal what lay in clear: address, title and text of every message go under their recipient's own key."""

from uuid import UUID

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from notices.contents import Contents, seal


def seal_all(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    messages = apps.get_model("notices", "Notice").objects
    for message in messages.iterator():
        contents = Contents(message.address, message.title, message.text)
        number = UUID(str(message.public_id))
        sealed = seal(contents, subject=message.subject, message=number, at=message.created_at)
        messages.filter(pk=message.pk).update(contents=sealed)


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_notice"), ("audit", "0001_log")]

    operations = [
        migrations.AddField("notice", "contents", models.BinaryField(null=True)),
        migrations.AddField(
            "notice", "organisation", models.TextField(default="", editable=False, verbose_name="organisation")
        ),
        migrations.RunPython(seal_all, migrations.RunPython.noop),
        migrations.AlterField("notice", "contents", models.BinaryField()),
        migrations.RemoveField("notice", "address"),
        migrations.RemoveField("notice", "title"),
        migrations.RemoveField("notice", "text"),
    ]
