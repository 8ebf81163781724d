"""Two words that our own agent says when he calls back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0002_what_leaves_us"),
    ]

    operations = [
        migrations.AddField(
            model_name="callback",
            name="sealed_phrase",
            field=models.BinaryField(blank=True, default=b""),
        ),
    ]
