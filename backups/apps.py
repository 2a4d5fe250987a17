"""The `backups` app: Avro backups, their checks and restores."""

from http import HTTPStatus

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    name = "backups"

    def ready(self) -> None:
        """Register the HTTP status of each error, and the metrics."""
        from backups import errors
        from backups.runs.status import BackupCollector
        from project.base.metrics import add_collector
        from project.http.problems import register_statuses

        conflicts = (
            *(errors.BackupDamaged, errors.BackupUntrusted, errors.RestoreRefused),
            errors.RestoreBusy,
        )
        register_statuses(dict.fromkeys(conflicts, HTTPStatus.CONFLICT))
        register_statuses({errors.ServiceTablesProtected: HTTPStatus.FORBIDDEN})
        register_statuses({errors.BackupUnknown: HTTPStatus.NOT_FOUND})
        register_statuses({errors.TooManyRuns: HTTPStatus.TOO_MANY_REQUESTS})
        add_collector(BackupCollector())
