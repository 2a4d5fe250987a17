"""The view reports.report_status."""

from pathlib import Path

from django.db import migrations

FILE = Path(__file__).parent.parent / "engine" / "sql" / "report_status.sql"


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial"), ("ingest", "0001_initial")]

    operations = [
        migrations.RunSQL(
            FILE.read_text(encoding="utf-8"), "DROP VIEW IF EXISTS reports.report_status"
        )
    ]
