"""The archive's marker on machines that have none yet: new ones, and those of earlier versions."""

from django.conf import settings

from backups.models import BackupRun
from backups.store.archive import MARKER_NAME, archive_folder, list_backups, mark_archive


def adopt_archive() -> None:
    """Mark the archive where it is certain to be the right one; leave any other alone.

    It is where the last backup that this database recorded is in it, and for a database without
    a backup where it is the default folder.
    """
    if (archive_folder() / MARKER_NAME).is_file():
        return
    recorded = BackupRun.objects.filter(kind=BackupRun.Kind.BACKUP).exclude(folder="")
    last = recorded.order_by("-pk").first()
    if last is None:
        is_ours = settings.CONFIG.backups.folder is None
    else:
        is_ours = any(backup.id == last.pk for backup in list_backups())
    if is_ours:
        mark_archive()
