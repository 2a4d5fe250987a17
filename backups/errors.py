"""What can be wrong with backups and restores."""

from collections.abc import Mapping

from project.base.errors import RowhouseError, TryLater


class BackupError(RowhouseError):
    """The backup cannot be made or used."""

    code = "backup_failed"


class BackupIncomplete(BackupError):
    """Some tables could not be backed up; the others are in the backup."""

    code = "backup_incomplete"


class BackupInFuture(BackupError):
    """The newest backup is dated in the future: a clock is wrong."""

    code = "backup_in_future"


class ArchiveMissing(BackupError):
    """The archive's folder has no marker: its disk may not be mounted."""

    code = "archive_missing"


class BackupUnknown(BackupError):
    """There is no backup or run with this id."""

    code = "backup_unknown"


class BackupDamaged(BackupError):
    """The backup is not what was written."""

    code = "backup_damaged"


class BackupUntrusted(BackupError):
    """The backup is of unknown origin: no key of this service signed its manifest."""

    code = "backup_untrusted"


class FileRefused(BackupError):
    """The file is not an Avro file that can be read safely."""

    code = "file_refused"


class RestoreRefused(BackupError):
    """The restore was not done; the table is as it was."""

    code = "restore_refused"


class RestoreIncomplete(BackupError):
    """Some tables were not restored: their files are damaged, or the backup lacks them."""

    code = "restore_incomplete"


class SelectionInvalid(BackupError):
    """The rows to restore are named by columns or values that the file or the table has not."""

    code = "selection_invalid"


class LineageMissing(BackupError):
    """The table does not record which batch its rows came with: it has no column `_batch`."""

    code = "lineage_missing"


class ServiceTablesProtected(BackupError):
    """Receipts and rejections are restored by the command line alone."""

    code = "service_tables_protected"


class RestoreBusy(BackupError):
    """Another restore is running."""

    code = "restore_busy"


class TablesBusy(TryLater):
    """The tables were locked by others all the time: try again."""

    code = "tables_busy"


class TooManyRuns(TryLater):
    """As many backups, checks and restores are under way as may be at once."""

    code = "too_many_runs"


def describe_failures(failures: Mapping[str, str]) -> str:
    """Return a sentence that names each table that failed and why."""
    return "; ".join(f"{table}: {reason}" for table, reason in failures.items())
