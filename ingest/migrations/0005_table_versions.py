"""The function that ingest asks for what a table's name means now."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ingest", "0004_socrata_mark")]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"),
            "DROP FUNCTION service.table_versions",
        )
    ]
