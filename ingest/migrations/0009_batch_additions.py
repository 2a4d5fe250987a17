from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0008_open_batch"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="additions",
            field=models.JSONField(null=True),
        ),
    ]
