"""Runs and backups as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backups.errors import BackupDamaged, describe_failures
from backups.models import BackupRun
from backups.runs.runs import describe_manifest
from backups.store.folder import Backup


class RunDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One run; `available` tells whether a backup's files are there, `pinned` that they stay."""

    id: UUID
    kind: str
    state: str
    backup: UUID | None
    tables: list[str]
    options: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    rows_done: int
    rows_total: int | None
    bytes: int | None
    folder: str
    last_batch: UUID | None
    proven_at: datetime | None
    available: bool
    pinned: bool
    report: Any
    error: str
    url: str


def describe_run(run: BackupRun, backup: Backup | None) -> RunDocument:
    """Return a run's document."""
    fields = {name: getattr(run, name) for name in _SHARED}
    return RunDocument(
        **fields,
        available=backup is not None,
        pinned=backup is not None and backup.is_pinned,
        url=f"/api/backups/{run.pk}",
    )


def describe_backup(backup: Backup) -> RunDocument:
    """Return the document of a backup that this database has no run of."""
    run = BackupRun(
        id=backup.id,
        kind=BackupRun.Kind.BACKUP,
        state=BackupRun.State.DONE,
        backup=backup.id,
        created_at=backup.taken_at,
        folder=backup.folder.name,
    )
    try:
        manifest = backup.read()
    except BackupDamaged as error:
        run.state, run.error = BackupRun.State.FAILED, error.message
    else:
        run.rows_done, run.bytes = manifest.rows, manifest.bytes
        run.last_batch = manifest.last_batch
        run.report = describe_manifest(manifest)
        if manifest.failures:
            run.state = BackupRun.State.INCOMPLETE
            run.error = describe_failures(manifest.failures)
    return describe_run(run, backup)


_SHARED = tuple(
    name for name in RunDocument.__struct_fields__ if name not in {"available", "pinned", "url"}
)
