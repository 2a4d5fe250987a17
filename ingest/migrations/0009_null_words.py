"""The words that mean null in the CSV records of a batch."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0008_open_batch"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="nulls",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), null=True, size=None
            ),
        ),
    ]
