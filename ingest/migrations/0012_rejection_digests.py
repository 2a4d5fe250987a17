"""Digests of rejections as uuid, which is compared and indexed sooner than bytea.

Those that there are were made in another way and are forgotten: their rows are rejected once more
as new ones.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0011_rejections_seen"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="rejection", name="rejection_by_digest"),
        migrations.RemoveField(model_name="rejection", name="digest"),
        migrations.AddField(
            model_name="rejection",
            name="digest",
            field=models.UUIDField(null=True),
        ),
        migrations.AddIndex(
            model_name="rejection",
            index=models.Index(
                condition=models.Q(("state", "open")), fields=["digest"], name="rejection_by_digest"
            ),
        ),
    ]
