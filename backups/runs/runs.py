"""Backups, checks, drills and restores, each recorded as a run.

`run_backup`, `run_verify`, `run_drill` and `run_restore` work in this process; `request_run` starts
another one. `apply_retention` removes what no rule keeps.
"""

import logging
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from backups.child.verify import find_problems, refuse_problems
from backups.errors import (
    BackupDamaged,
    BackupIncomplete,
    BackupUnknown,
    RestoreIncomplete,
    TooManyRuns,
    describe_failures,
)
from backups.make.make import make_backup
from backups.models import BackupRun
from backups.progress import NO_PROGRESS, Progress
from backups.restore.inplace.undo import Undone, undo_restore
from backups.restore.plan import RestoreRequest
from backups.restore.restore import RestoreReport, restore_backup
from backups.runs.drill import prove_backup
from backups.runs.marker import adopt_archive
from backups.runs.record import create_run, mark_dead_runs, record_run
from backups.runs.retention import KeptBackup, explain_retention
from backups.runs.status import read_proofs
from backups.store.archive import find_backup, find_backup_of, list_backups
from backups.store.files import remove_folder
from backups.store.folder import Backup
from backups.store.manifest import Manifest
from backups.store.origin import open_trusted

logger = logging.getLogger("rowhouse.backups")

Kind = BackupRun.Kind
State = BackupRun.State

# How many runs clients may have queued or running at once, and when a refused one may try again.
MAX_RUNS = 8
RETRY_AFTER_S = 10


def run_backup(
    *,
    tables: Sequence[str] = (),
    codec: str | None = None,
    run: BackupRun | None = None,
    progress: Progress = NO_PROGRESS,
) -> BackupRun:
    """Make a backup, then remove those that no rule keeps; return the run.

    Raises `BackupError` where it fails, `BackupIncomplete` where some of the tables do; the run
    says so too.
    """
    run = run or create_run(Kind.BACKUP, tables=tables, options={"codec": codec})
    with record_run(run, progress) as recorded:
        adopt_archive()
        manifest = make_backup(run.pk, tables=tables, codec=codec, progress=recorded)
        run.folder, run.bytes = manifest.name, manifest.bytes
        run.last_batch, run.backup = manifest.last_batch, run.pk
        run.report = describe_manifest(manifest)
        if manifest.failures:
            raise BackupIncomplete(describe_failures(manifest.failures))
    try:
        apply_retention()
    except OSError:  # the backup is good all the same; the next one tries again
        logger.exception("old backups could not be removed")
    return run


def run_verify(
    backup: Backup,
    *,
    trust: bool = False,
    run: BackupRun | None = None,
    progress: Progress = NO_PROGRESS,
) -> BackupRun:
    """Check every byte and record of a backup, then its signature.

    Raises `BackupDamaged` with all problems, `BackupUntrusted` unless it is trusted all the same.
    """
    run = run or create_run(Kind.VERIFY, backup=backup.id)
    with record_run(run, progress) as recorded:
        _expect_rows(recorded, backup)
        problems = find_problems(backup, progress=recorded)
        run.report = {"problems": [str(one) for one in problems]}
        refuse_problems(backup, problems)
        open_trusted(backup, trust=trust)
    return run


def run_drill(
    backup: Backup | None = None,
    *,
    trust: bool = False,
    run: BackupRun | None = None,
    progress: Progress = NO_PROGRESS,
) -> BackupRun:
    """Restore a backup (the newest complete one) into scratch schemas and compare every row.

    A backup that passes is marked as proven restorable now.
    """
    backup = backup or find_backup_of(())
    run = run or create_run(Kind.VERIFY, backup=backup.id, options={"restore": True})
    with record_run(run, progress) as recorded:
        _expect_rows(recorded, backup)
        rows = prove_backup(backup, trust=trust, progress=recorded)
        run.report = {"proven_rows": rows}
        _mark_proven(backup)
    return run


def run_restore(
    backup: Backup,
    request: RestoreRequest,
    *,
    run: BackupRun | None = None,
    progress: Progress = NO_PROGRESS,
) -> tuple[BackupRun, RestoreReport]:
    """Restore tables; return the run and what was done, or would be done.

    Where some of the tables cannot be restored, the run is incomplete.
    """
    run = run or create_run(
        Kind.RESTORE, backup=backup.id, tables=request.tables, options=describe_request(request)
    )
    with suppress(RestoreIncomplete), record_run(run, progress) as recorded:
        report = restore_backup(backup, request, progress=recorded)
        run.report = msgspec.to_builtins(report)
        if report.not_restored:
            raise RestoreIncomplete(describe_failures(report.not_restored))
    return run, report


def run_undo(
    tables: Sequence[str],
    *,
    force: bool = False,
    dry_run: bool = False,
    with_service: bool = False,
) -> list[Undone]:
    """Change back what the last restore of the tables changed; return how many rows that were."""
    options = {"undo": True, "force": force, "dry_run": dry_run}
    run = create_run(Kind.RESTORE, tables=tables, options=options)
    with record_run(run, NO_PROGRESS):
        undone = undo_restore(tables, force=force, dry_run=dry_run, with_service=with_service)
        run.report = {one.table: asdict(one) for one in undone}
    return undone


@dataclass(frozen=True)
class Retained:
    """A backup and why it is kept; it may be removed where there is no reason."""

    backup: Backup
    reasons: list[str]


def plan_retention() -> list[Retained]:
    """Return every backup, newest first, and why it is kept."""
    candidates = {}
    damaged = []
    for backup, proven_at in read_proofs(list_backups()).items():
        try:
            manifest = backup.read()
        except BackupDamaged as error:
            # It is left for a person to see, and must not count as good.
            damaged.append(Retained(backup, [f"damaged: {error.message}"]))
            continue
        candidates[
            KeptBackup(
                id=backup.id,
                taken_at=manifest.snapshot_at,
                complete=manifest.complete,
                proven=proven_at is not None,
                pinned=backup.is_pinned,
            )
        ] = backup
    reasons = explain_retention(
        list(candidates), now=timezone.now(), policy=settings.CONFIG.backups.keep
    )
    plan = damaged + [Retained(candidates[one], why) for one, why in reasons.items()]
    return sorted(plan, key=lambda one: one.backup.folder.name, reverse=True)


def apply_retention() -> list[str]:
    """Remove the backups that no rule of rest_conf.yml keeps; return their names."""
    removed = []
    for one in reversed(plan_retention()):
        if not one.reasons:
            remove_folder(one.backup.folder)
            removed.append(one.backup.folder.name)
            logger.info("backup removed", extra={"backup": str(one.backup.id)})
    return removed


def request_run(kind: str, **fields: Any) -> BackupRun:
    """Record a run and start a process that executes it and outlives this one.

    Raise `TooManyRuns` where too many are queued or running: each takes a process.
    """
    mark_dead_runs()
    if BackupRun.objects.filter(state__in=[State.QUEUED, State.RUNNING]).count() >= MAX_RUNS:
        raise TooManyRuns(retry_after_s=RETRY_AFTER_S)
    run = create_run(kind, **fields)
    subprocess.Popen(
        [sys.executable, "manage.py", "backup", "--run", str(run.pk)],
        cwd=settings.BASE_DIR,
        env=settings.COMMAND_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return run


def execute_run(identifier: UUID, progress: Progress) -> BackupRun:
    """Execute a queued run; raise `BackupUnknown` unless there is such a run."""
    run = BackupRun.objects.filter(pk=identifier, state=State.QUEUED).first()
    if run is None:
        raise BackupUnknown(f"There is no queued run {identifier}")
    if run.kind == Kind.BACKUP:
        run_backup(tables=run.tables, codec=run.options.get("codec"), run=run, progress=progress)
        return run
    backup = find_backup(str(run.backup))
    if run.kind == Kind.RESTORE:
        request = RestoreRequest(tables=run.tables, **run.options)
        run_restore(backup, request, run=run, progress=progress)
    else:
        verify = run_drill if run.options.get("restore") else run_verify
        verify(backup, run=run, progress=progress)
    return run


def describe_manifest(manifest: Manifest) -> dict[str, Any]:
    """Return the rows of each table of a backup, and why tables or definitions are missing."""
    described: dict[str, Any] = {entry.full_name: entry.rows for entry in manifest.tables}
    if manifest.failures:
        described["missing"] = manifest.failures
    if manifest.definition_failures:
        described["definitions_missing"] = manifest.definition_failures
    return described


def describe_request(request: RestoreRequest) -> dict[str, Any]:
    """Return a restore's options as they are recorded."""
    return {name: value for name, value in asdict(request).items() if name != "tables"}


def _expect_rows(progress: Progress, backup: Backup) -> None:
    with suppress(BackupDamaged):  # the check or the drill will raise it
        progress.expect_rows(backup.read().rows)


def _mark_proven(backup: Backup) -> None:
    now = timezone.now()
    # A backup from another installation, or from before the database was lost, has no run here.
    BackupRun.objects.update_or_create(
        pk=backup.id,
        defaults={"proven_at": now},
        create_defaults={
            "proven_at": now,
            "kind": Kind.BACKUP,
            "state": State.DONE,
            "backup": backup.id,
            "folder": backup.folder.name,
            "created_at": backup.taken_at,
        },
    )
