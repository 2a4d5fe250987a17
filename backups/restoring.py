"""Tables restored from a backup: verified, planned, loaded beside, checked, swapped in."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import psycopg
from psycopg.sql import SQL, Composed, Identifier

from backups import ddl, shadow
from backups.appending import append_backup
from backups.archive import Backup
from backups.connection import be_exact, connect_admin
from backups.definition import TableDefinition, read_definition, search_in
from backups.errors import BackupDamaged, RestoreBusy, RestoreRefused
from backups.examination import find_strangers
from backups.fitting import count_misfits, fill_staging
from backups.manifest import Manifest, TableEntry
from backups.naming import rename_table
from backups.plan import Mode, TablePlan, find_refusals, find_table, plan_table
from backups.reading import TableReader
from backups.selection import choose_tables
from backups.swap import Replacement, swap
from backups.verify import check_backup
from ingest.outcome import OnConflict

Progress = Callable[[int], None]
LOCK_KEY = "rowhouse.restore"


@dataclass(frozen=True, kw_only=True)
class RestoreRequest:
    """What is to be restored, and how."""

    tables: Sequence[str] = ()  # none: all of the backup
    mode: Mode = "replace"
    into: str | None = None  # the new table's name, with the mode `new`
    dry_run: bool = False
    on_conflict: OnConflict = "reject"  # of appended rows


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


@dataclass(frozen=True)
class _Work:
    """One table on its way."""

    entry: TableEntry
    reader: TableReader
    plan: TablePlan
    definition: TableDefinition
    oid: int | None = field(default=None)


def restore_backup(
    backup: Backup, request: RestoreRequest, *, progress: Progress = lambda rows: None
) -> RestoreReport:
    """Restore tables of a backup; nothing changes unless all of them can be.

    Raises `BackupDamaged` before a row is written, `RestoreRefused` where the table or the rows
    are in the way, `RestoreBusy` where another restore is running.
    """
    manifest = backup.read()
    entries = choose_tables(manifest.tables, request.tables)
    if request.mode == "new" and (len(entries) != 1 or not request.into):
        raise RestoreRefused("A restore into a new table needs one table and a name for it")
    _check_folder(backup, manifest)
    if request.dry_run or request.mode == "append":
        # Otherwise the rows are proven while they are loaded, before anything is committed.
        check_backup(backup, tables=[entry.full_name for entry in entries])
    with connect_admin() as connection, only_restore(connection):
        shadow.clear_shadows(connection, {entry.schema for entry in entries})
        works = [_plan(connection, backup, entry, request) for entry in entries]
        plans = [work.plan for work in works]
        refusals = [f"{plan.table}: {why}" for plan in plans for why in plan.refusals]
        if request.dry_run:
            return RestoreReport(manifest.name, dry_run=True, plans=plans)
        if refusals:
            raise RestoreRefused("; ".join(refusals), refusals=refusals)
        if request.mode == "append":
            return _append(manifest, works, request, progress)
        rows = _replace(connection, works, request, progress)
        return RestoreReport(manifest.name, dry_run=False, plans=plans, rows=rows)


def _check_folder(backup: Backup, manifest: Manifest) -> None:
    problems = [f"{file}: {problem}" for file, problem in find_strangers(backup, manifest)]
    problems += [
        f"{entry.file}: The file is missing"
        for entry in manifest.tables
        if not backup.path_of(entry).is_file()
    ]
    if problems:
        raise BackupDamaged(f"{manifest.name} is damaged: {'; '.join(problems)}")


def prove_backup(backup: Backup, *, progress: Progress = lambda rows: None) -> int:
    """Restore every table into scratch schemas, compare it with the backup, throw it away.

    Return the rows that were proven. Tables are made as the backup describes them.
    """
    manifest = backup.read()
    _check_folder(backup, manifest)
    with connect_admin() as connection, only_restore(connection):
        schemas = {entry.schema for entry in manifest.tables}
        shadow.clear_shadows(connection, schemas)
        try:
            return sum(_prove(connection, backup, entry, progress) for entry in manifest.tables)
        finally:
            shadow.clear_shadows(connection, schemas)


def _prove(
    connection: psycopg.Connection, backup: Backup, entry: TableEntry, progress: Progress
) -> int:
    reader = TableReader(backup, entry)
    made = shadow.build_shadow(connection, reader, entry, progress, own_sequences=True)
    _run_in(connection, made, ddl.create_indexes(entry, made.schema))
    shadow.check_content(made)
    _run_in(connection, made, ddl.add_keys(entry, made.schema))
    return made.rows


@contextmanager
def only_restore(connection: psycopg.Connection) -> Iterator[None]:
    """Hold off other restores; raise `RestoreBusy` where one is running."""
    row = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK_KEY]).fetchone()
    if not row or not row[0]:
        raise RestoreBusy
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK_KEY])


def _plan(
    connection: psycopg.Connection, backup: Backup, entry: TableEntry, request: RestoreRequest
) -> _Work:
    reader = TableReader(backup, entry)
    with connection.transaction(force_rollback=True):
        be_exact(connection)
        oid = find_table(connection, entry.schema, entry.table)
        if oid is None and request.mode == "append":
            raise RestoreRefused(f"There is no table {entry.full_name} to append to")
        definition: TableDefinition = entry
        if oid is not None:
            definition = read_definition(connection, oid, entry.schema)
        plan = _describe(connection, reader, entry, definition, oid, request)
        return _Work(entry, reader, plan, definition, oid)


def _describe(
    connection: psycopg.Connection,
    reader: TableReader,
    entry: TableEntry,
    definition: TableDefinition,
    oid: int | None,
    request: RestoreRequest,
) -> TablePlan:
    into = request.into if request.mode == "new" and request.into else entry.table
    refusals: list[str] = []
    replaces = oid is not None and request.mode != "new"
    rows_now = shadow.count_rows(connection, entry.schema, entry.table) if replaces else None
    if oid is not None and request.mode == "replace":
        refusals += find_refusals(connection, oid, entry.schema)
    if request.mode == "new" and find_table(connection, entry.schema, into) is not None:
        refusals.append(f"there is a table {entry.schema}.{into} already")
    plan = plan_table(
        entry, reader.schema, definition, mode=request.mode, into=into, rows_now=rows_now
    )
    misfits = []
    if request.dry_run and oid is not None:
        fill_staging(connection, reader)
        misfits = count_misfits(connection, reader, definition)
    return msgspec.structs.replace(
        plan, refusals=(*plan.refusals, *refusals), misfits=tuple(misfits)
    )


def _append(
    manifest: Manifest, works: Sequence[_Work], request: RestoreRequest, progress: Progress
) -> RestoreReport:
    appended = {}
    for work in works:
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


def _replace(
    connection: psycopg.Connection,
    works: Sequence[_Work],
    request: RestoreRequest,
    progress: Progress,
) -> int:
    is_new = request.mode == "new"
    try:
        made = [
            shadow.build_shadow(
                connection,
                work.reader,
                work.definition,
                progress,
                own_sequences=is_new or work.oid is None,
            )
            for work in works
        ]
        _make_keys_and_check(connection, made)
        _finish(connection, made)
        if is_new and request.into:
            with connection.transaction():
                made = [rename_table(connection, made[0], request.into)]
        replacements = [
            Replacement(one, None if is_new else work.oid)
            for one, work in zip(made, works, strict=True)
        ]
        swap(connection, replacements)
        _analyze(connection, made)
    except psycopg.Error as error:
        if error.sqlstate is None or error.sqlstate[:2] not in {"22", "23", "42"}:
            raise
        raise RestoreRefused(f"The rows or the table are in the way: {error}") from error
    finally:
        if not connection.closed:
            shadow.clear_shadows(connection, {work.entry.schema for work in works})
    return sum(one.rows for one in made)


def _make_keys_and_check(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    """Build indexes and foreign keys, while another connection compares the rows."""
    checking = _Checking(made)
    checking.start()
    try:
        for one in made:
            _run_in(connection, one, ddl.create_indexes(one.definition, one.schema))
        # A partitioned table's key, which others may refer to, is made only after the check.
        if not any(one.definition.partition_key for one in made):
            for one in made:
                _run_in(connection, one, ddl.add_foreign_keys(one.definition, one.schema))
    finally:
        checking.join()
    if checking.error is not None:
        raise checking.error


class _Checking(threading.Thread):
    def __init__(self, made: Sequence[shadow.Shadow]) -> None:
        super().__init__(daemon=True)
        self._made = made
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for one in self._made:
                shadow.check_content(one)
        except BaseException as error:
            self.error = error


def _finish(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        _run_in(connection, one, ddl.add_keys(one.definition, one.schema))
    if any(one.definition.partition_key for one in made):
        for one in made:
            _run_in(connection, one, ddl.add_foreign_keys(one.definition, one.schema))
    for one in made:
        _run_in(connection, one, ddl.describe_table(one.definition, one.schema))


def _run_in(
    connection: psycopg.Connection, made: shadow.Shadow, statements: Iterable[Composed]
) -> None:
    """Run each statement in a transaction of its own, where the shadow's names are meant."""
    for statement in statements:
        with connection.transaction():
            be_exact(connection)
            search_in(connection, made.schema, made.definition.schema)
            connection.execute(statement)


def _analyze(connection: psycopg.Connection, made: Sequence[shadow.Shadow]) -> None:
    for one in made:
        table = Identifier(one.definition.schema, one.definition.table)
        connection.execute(SQL("ANALYZE {}").format(table))
