"""Tables restored from a backup: verified, planned, then changed, made or appended to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime

import msgspec
from django.conf import settings
from django.utils import timezone
from psycopg import Connection

from backups.child.table_reader import TableReader
from backups.errors import BackupError, RestoreRefused, describe_failures
from backups.progress import NO_PROGRESS, Progress
from backups.restore.append import AppendReport, append_backup
from backups.restore.database_errors import translate_errors
from backups.restore.definitions import DefinitionReport, make_definitions
from backups.restore.execution import execute_restore
from backups.restore.plan import RestoreRequest, TablePlan
from backups.restore.restore_plan import TableRestore, order_by_foreign_keys, plan_restore
from backups.restore.service_tables import FULL_NAMES, check_service_tables
from backups.restore.usable_tables import find_damaged, find_lacking, leave_out
from backups.store.choice import BackupChoice, explain_choice
from backups.store.folder import Backup
from backups.store.manifest import Manifest, TableEntry
from backups.store.origin import open_trusted
from backups.store.selection import choose_tables
from backups.tables.connection import connect_for_restore, connect_restorer
from ingest.catalog.definitions import MAX_NAME_BYTES
from project.schema.citus import distribute_datasets, keep_local


class RestoreReport(msgspec.Struct, frozen=True):
    """What a restore did, or with `dry_run` would do."""

    backup: str
    taken_at: datetime
    age_s: int
    dry_run: bool
    tables: list[TablePlan]
    choice: BackupChoice | None = None  # of a dry run: why this backup
    not_restored: dict[str, str] = {}  # by table: it is damaged, or the backup lacks it
    rows: int = 0
    appended: dict[str, AppendReport] = {}
    definitions: DefinitionReport | None = None


def restore_backup(
    backup: Backup, request: RestoreRequest, *, progress: Progress = NO_PROGRESS
) -> RestoreReport:
    """Restore tables of a backup, all of them or none, but for those that are `not_restored`.

    Raises `BackupUntrusted` or `BackupDamaged` before a row is written, `RestoreRefused` where the
    table or the rows are in the way, `RestoreBusy` where another restore is running, `TablesBusy`
    and `Unavailable`.
    """
    backup, manifest = open_trusted(backup, trust=request.trust)
    entries = choose_tables(manifest.tables, request.tables, exclude=request.exclude)
    reasons = find_lacking(manifest, request)
    entries = leave_out(entries, reasons)
    request = _check_tables(entries, request)
    reasons |= find_damaged(backup, manifest, entries, request)
    entries = leave_out(entries, reasons)
    if not entries:
        raise BackupError(f"No table can be restored: {describe_failures(reasons)}")
    with _telling(reasons):
        report = _restore(backup, manifest, entries, request, progress)
    choice = None
    if request.dry_run:
        choice = explain_choice(backup, request.tables, is_named=request.is_named)
    return msgspec.structs.replace(report, not_restored=reasons, choice=choice)


def _restore(
    backup: Backup,
    manifest: Manifest,
    entries: Sequence[TableEntry],
    request: RestoreRequest,
    progress: Progress,
) -> RestoreReport:
    progress.expect_rows(sum(entry.rows for entry in entries))
    readers = [TableReader(backup, entry) for entry in entries]
    with ExitStack() as stack:
        for reader in readers:
            stack.callback(reader.close)
        readers[0].prepare()
        stack.enter_context(translate_errors())
        connection = stack.enter_context(connect_for_restore())
        restorer = stack.enter_context(connect_restorer())
        keep_local(restorer)
        definitions = _make_definitions(connection, backup, manifest, request)
        tables = plan_restore(connection, readers, request)
        if request.mode == "append" and not request.dry_run:
            return _append(manifest, tables, request, progress)
        plans = execute_restore(connection, restorer, tables, request, progress)
        if request.dry_run:
            return _report(manifest, plans, dry_run=True, definitions=definitions)
        with connection.transaction():  # a table that was made is local
            distribute_datasets(connection, settings.CONFIG.datasets)
        rows = sum(one.inserted + one.updated + one.unchanged for one in plans)
        return _report(manifest, plans, rows=rows, definitions=definitions)


def _make_definitions(
    connection: Connection, backup: Backup, manifest: Manifest, request: RestoreRequest
) -> DefinitionReport | None:
    if not request.definitions:
        return None
    return make_definitions(connection, backup, manifest, dry_run=request.dry_run)


@contextmanager
def _telling(not_restored: Mapping[str, str]) -> Iterator[None]:
    """Add to why a restore is refused which tables are left out: others may refer to their rows."""
    try:
        yield
    except RestoreRefused as error:
        if not_restored:
            left_out = describe_failures(not_restored)
            raise RestoreRefused(
                f"{error.message}; not restored: {left_out}", **error.fields
            ) from error
        raise


def _report(
    manifest: Manifest,
    plans: list[TablePlan],
    *,
    dry_run: bool = False,
    rows: int = 0,
    appended: dict[str, AppendReport] | None = None,
    definitions: DefinitionReport | None = None,
) -> RestoreReport:
    age = timezone.now() - manifest.snapshot_at
    return RestoreReport(
        backup=manifest.name,
        taken_at=manifest.snapshot_at,
        age_s=int(age.total_seconds()),
        dry_run=dry_run,
        tables=plans,
        rows=rows,
        appended=appended or {},
        definitions=definitions,
    )


def _check_tables(entries: Sequence[TableEntry], request: RestoreRequest) -> RestoreRequest:
    """Return the request with the new table's bare name.

    Raise unless these are tables that backups of this service have, and may go there.
    """
    if request.mode == "new":
        request = replace(request, into=_check_name(request, entries))
    names = [entry.full_name for entry in entries]
    check_service_tables(names, allowed=request.with_service, is_replaced=request.mode == "replace")
    datasets = settings.CONFIG.datasets
    strange = [
        entry.full_name
        for entry in entries
        if entry.schema not in datasets and entry.full_name not in FULL_NAMES
    ]
    if strange:
        raise RestoreRefused(f"{', '.join(strange)}: datasets in rest_conf.yml are restored only")
    return request


def _check_name(request: RestoreRequest, entries: Sequence[TableEntry]) -> str:
    """Return the new table's name without its dataset, which must be the table's own."""
    dataset, _, name = (request.into or "").rpartition(".")
    if len(entries) != 1 or not name:
        raise RestoreRefused("A restore into a new table needs one table and a name for it")
    if dataset not in {"", entries[0].schema}:
        raise RestoreRefused(
            f"{request.into}: a table is restored into its own dataset, {entries[0].schema}"
        )
    if "\0" in name or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise RestoreRefused(f"A table's name has at most {MAX_NAME_BYTES} bytes and no U+0000")
    return name


def _append(
    manifest: Manifest, tables: Sequence[TableRestore], request: RestoreRequest, progress: Progress
) -> RestoreReport:
    appended = {
        one.reader.entry.full_name: append_backup(
            one.reader,
            selection=one.selection,
            on_conflict=request.on_conflict,
            progress=progress,
        )
        for one in order_by_foreign_keys(tables)
    }
    return _report(
        manifest,
        [one.plan for one in tables],
        rows=sum(report.inserted + report.updated for report in appended.values()),
        appended=appended,
    )
