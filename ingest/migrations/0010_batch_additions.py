from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0009_null_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="additions",
            field=models.JSONField(null=True),
        ),
    ]
