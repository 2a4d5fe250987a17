"""Which tables of a backup can be restored: those that it has, whose files are not damaged."""

from collections.abc import Sequence

from backups.child.verify import find_problems, refuse_problems
from backups.restore.plan import RestoreRequest
from backups.restore.service_tables import FULL_NAMES, find_service_tables
from backups.store.folder import Backup
from backups.store.manifest import Manifest, TableEntry

Reasons = dict[str, str]  # by table: why it is not restored


def find_lacking(manifest: Manifest, request: RestoreRequest) -> Reasons:
    """Return the tables that a backup should have and lacks, if all of it is to be restored."""
    lacking = manifest.failures if request.everything else {}
    protected = () if request.with_service else find_service_tables(lacking)
    return {
        name: f"the backup lacks it: {why}"
        for name, why in lacking.items()
        if name not in protected
    }


def find_damaged(
    backup: Backup, manifest: Manifest, entries: Sequence[TableEntry], request: RestoreRequest
) -> Reasons:
    """Return the tables whose files are missing or damaged.

    Raises `BackupDamaged` where all of them are, or where more than tables' files is damaged.
    """
    # Otherwise the records are checked while they are loaded, before anything is committed.
    decode = request.dry_run or request.mode == "append"
    if decode or len(entries) > 1:
        names = [entry.full_name for entry in entries]
        problems = find_problems(backup, tables=names, decode=decode)
    else:  # a single file is verified while it is loaded
        problems = [*backup.find_unknown_files(manifest), *backup.find_missing_files(entries)]
    tables = {entry.file: entry.full_name for entry in entries}
    damaged = {one.file: f"damaged: {one.message}" for one in problems}
    if not damaged.keys() <= tables.keys() or len(damaged) == len(entries):
        refuse_problems(backup, problems)
    return {tables[file]: why for file, why in damaged.items()}


def leave_out(entries: Sequence[TableEntry], reasons: Reasons) -> list[TableEntry]:
    """Return the other tables; tables of `service` that are restored together go together.

    Their reasons are added to the others'.
    """
    without = sorted(FULL_NAMES & reasons.keys())
    if without:
        for name in FULL_NAMES & {entry.full_name for entry in entries}:
            reasons.setdefault(name, f"it is restored together with {without[0]}")
    return [entry for entry in entries if entry.full_name not in reasons]
