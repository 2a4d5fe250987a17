from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial")]

    operations = [
        migrations.RunSQL(
            [Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")],
            [
                "DROP FUNCTION service.refresh_state_intervals()",
                "DROP FUNCTION service.note_vehicle_events() CASCADE",
                "DROP FUNCTION service.note_vehicles() CASCADE",
                "DROP TABLE service.state_interval_source",
                "DROP TABLE service.vehicle_event_change",
                "DROP TABLE reports.vehicle_state_intervals",
            ],
        )
    ]
