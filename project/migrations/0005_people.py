"""Permissions of staff for the API, and where attempts to log in came from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("project", "0004_limits")]

    operations = [
        migrations.AlterModelOptions(
            name="apikey",
            options={
                "ordering": ("-created",),
                "permissions": [
                    ("api_read", "Can do what a key with the scope read may"),
                    ("api_ingest", "Can do what a key with the scope ingest may"),
                    ("api_backup", "Can do what a key with the scope backup may"),
                    ("api_admin", "Can do what a key with the scope admin may"),
                ],
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
            },
        ),
        migrations.AddField(
            model_name="loginattempt",
            name="address",
            field=models.TextField(db_default="", default=""),
        ),
    ]
