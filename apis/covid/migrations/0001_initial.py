from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.RunSQL(
            [Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")],
            ["DROP FUNCTION service.note_covid_update() CASCADE"],
        )
    ]
