"""The function that a batch's transaction begins with."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ingest", "0007_remembered_key")]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"),
            "DROP FUNCTION service.open_batch",
        )
    ]
