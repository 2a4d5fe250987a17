from pathlib import Path

from django.db import migrations

TABLES = (
    "covid_documents",
    "covid_states",
    "covid_packed_days",
    "covid_days",
    "covid_frozen",
    "covid_values",
)


class Migration(migrations.Migration):
    dependencies = [("covid", "0001_initial")]

    operations = [
        migrations.RunSQL(
            [Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")],
            [f"DROP TABLE reports.{table}" for table in TABLES],
        )
    ]
