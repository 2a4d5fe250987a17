"""Tables restored from a backup: verified, planned, then replaced, made anew or appended to."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import msgspec
from django.conf import settings

from backups.child.reading import TableReader
from backups.child.verify import check_backup, check_folder
from backups.errors import RestoreRefused
from backups.make.make import Watcher
from backups.restore.appending import append_backup
from backups.restore.locking import only_restore
from backups.restore.plan import RestoreRequest, TablePlan
from backups.restore.restore_plan import Work, order_works, plan_works
from backups.restore.swap import shadow
from backups.restore.swap.replacing import replace_tables
from backups.store.folder import Backup
from backups.store.manifest import Manifest
from backups.store.selection import choose_tables
from backups.tables.connection import connect_admin
from ingest.catalog.definitions import MAX_NAME_BYTES
from project.schema.citus import distribute_datasets, keep_local

Progress = Callable[[int], None]


class AppendReport(msgspec.Struct, frozen=True):
    """What became of appended rows."""

    inserted: int
    updated: int
    ignored: int
    rejected: int


class RestoreReport(msgspec.Struct, frozen=True):
    """What a restore did, or with `dry_run` would do."""

    backup: str
    dry_run: bool
    plans: list[TablePlan]
    rows: int = 0
    appended: dict[str, AppendReport] = {}


def restore_backup(
    backup: Backup, request: RestoreRequest, *, watcher: Watcher | None = None
) -> RestoreReport:
    """Restore tables of a backup; nothing changes unless all of them can be.

    Raises `BackupDamaged` before a row is written, `RestoreRefused` where the table or the rows
    are in the way, `RestoreBusy` where another restore is running.
    """
    manifest = backup.read()
    entries = choose_tables(manifest.tables, request.tables)
    watcher = watcher or Watcher()
    watcher.expect_rows(sum(entry.rows for entry in entries))
    if request.mode == "new":
        _check_name(request, len(entries))
    check_folder(backup, manifest)
    # Otherwise the rows are proven while they are loaded, before anything is committed.
    records = request.dry_run or request.mode == "append"
    if records or len(entries) > 1:  # one table's file is looked at where it is loaded
        check_backup(backup, tables=[entry.full_name for entry in entries], records=records)
    readers = [TableReader(backup, entry) for entry in entries]
    with ExitStack() as stack:
        for reader in readers:
            stack.callback(reader.close)
        readers[0].prepare()
        connection = stack.enter_context(connect_admin())
        stack.enter_context(only_restore(connection))
        keep_local(connection)
        shadow.clear_shadows(connection, {entry.schema for entry in entries})
        works = plan_works(connection, readers, request)
        plans = [work.plan for work in works]
        refusals = [f"{plan.table}: {why}" for plan in plans for why in plan.refusals]
        if request.dry_run:
            return RestoreReport(manifest.name, dry_run=True, plans=plans)
        if refusals:
            raise RestoreRefused("; ".join(refusals), refusals=refusals)
        if request.mode == "append":
            return _append(manifest, works, request, watcher.add_rows)
        rows = replace_tables(connection, works, request, watcher.add_rows)
        with connection.transaction():  # a table that took a distributed one's place is not yet
            distribute_datasets(connection, settings.CONFIG.datasets)
        return RestoreReport(manifest.name, dry_run=False, plans=plans, rows=rows)


def _check_name(request: RestoreRequest, tables: int) -> None:
    name = request.into or ""
    if tables != 1 or not name:
        raise RestoreRefused("A restore into a new table needs one table and a name for it")
    if "\0" in name or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise RestoreRefused(f"A table's name has at most {MAX_NAME_BYTES} bytes and no U+0000")


def _append(
    manifest: Manifest, works: Sequence[Work], request: RestoreRequest, progress: Progress
) -> RestoreReport:
    appended = {}
    for work in order_works(works):
        total = append_backup(
            work.reader, work.entry.full_name, on_conflict=request.on_conflict, progress=progress
        )
        appended[work.entry.full_name] = AppendReport(
            total.inserted, total.updated, total.ignored, total.rejected
        )
    rows = sum(one.inserted + one.updated for one in appended.values())
    return RestoreReport(
        manifest.name,
        dry_run=False,
        plans=[work.plan for work in works],
        rows=rows,
        appended=appended,
    )
