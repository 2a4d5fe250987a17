"""A backup: every table of one snapshot in a folder that appears when it is complete."""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from uuid import UUID

from django.conf import settings

from backups.errors import BackupError, describe_failures
from backups.make.snapshot import SERVICE_SCHEMA, Snapshot, TableName, take_snapshot
from backups.make.writer import TableSource, write_table
from backups.progress import NO_PROGRESS, Progress
from backups.store.archive import DRAFT_PREFIX, find_leftovers, folder_name, require_archive
from backups.store.files import (
    PRIVATE_FOLDER,
    DurableFile,
    open_private,
    publish_folder,
    write_durably,
)
from backups.store.folder import definition_file_name, file_name
from backups.store.manifest import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    DefinitionFile,
    Manifest,
    TableEntry,
    encode_manifest,
)
from backups.store.origin import read_signing_keys
from backups.store.selection import choose_tables, is_included
from backups.tables.catalog import read_definition, set_search_path
from backups.tables.connection import reader_conninfo
from backups.tables.frames import SnapshotReader
from backups.tables.pg_dump import dump_definitions

LOCK_SUFFIX = ".lock"


def make_backup(
    run: UUID,
    *,
    tables: Sequence[str] = (),
    codec: str | None = None,
    progress: Progress = NO_PROGRESS,
) -> Manifest:
    """Write a backup of the named tables, of all that the settings include for none.

    The folder appears under its name when all of it is on disk. A table that cannot be read does
    not stop the others: the manifest says why it is not there. Raise `BackupError` where no table
    can be backed up; nothing is left but a draft, which the next backup removes.
    """
    archive = require_archive()
    codec = codec or settings.CONFIG.backups.codec
    _remove_leftovers(archive)

    def choose(names: Sequence[TableName]) -> list[TableName]:
        return _choose_names(names, tables)

    schemas, workers = list(settings.CONFIG.datasets), settings.CONFIG.backups.workers
    try:
        with (
            _draft_folder(archive, run) as draft,
            take_snapshot(schemas, choose, readers=workers) as snapshot,
        ):
            datasets = set() if tables else {one.schema for one in snapshot.tables}
            with ThreadPoolExecutor(1) as beside:
                definitions = beside.submit(_write_definitions, draft, snapshot.name, datasets)
                entries, failures = _write_tables(draft, snapshot, codec, progress)
            definition_files, definition_failures = definitions.result()
            manifest = Manifest(
                format_version=FORMAT_VERSION,
                id=run,
                name=folder_name(run, snapshot.taken_at),
                snapshot_at=snapshot.taken_at,
                last_batch=snapshot.last_batch,
                postgresql_version=snapshot.postgresql_version,
                codec=codec,
                complete=not tables and not failures,
                tables=entries,
                failures=failures,
                definitions=definition_files,
                definition_failures=definition_failures,
                next_transaction=snapshot.next_transaction,
            )
            signing_key, *_ = read_signing_keys()
            write_durably(draft / MANIFEST_NAME, encode_manifest(manifest, signing_key))
            publish_folder(draft, archive / manifest.name)
    except OSError as error:
        raise BackupError(f"The backup cannot be written: {error}") from error
    return manifest


def _write_tables(
    draft: Path, snapshot: Snapshot, codec: str, progress: Progress
) -> tuple[tuple[TableEntry, ...], dict[str, str]]:
    """Return the tables that were written, and why the others were not."""
    sources, failures = _read_sources(snapshot)
    progress.expect_rows(_estimate_rows(snapshot, sources))
    idle: SimpleQueue[SnapshotReader] = SimpleQueue()
    for reader in snapshot.readers:
        idle.put(reader)

    def write(source: TableSource) -> TableEntry | None:
        path = draft / file_name(source.table.schema, source.table.name)
        reader = idle.get()
        try:
            return write_table(source, reader, path, codec, progress)
        except BackupError as error:
            failures[source.table.full_name] = error.message
            return None
        finally:
            idle.put(reader)

    with ThreadPoolExecutor(len(snapshot.readers)) as workers:
        jobs = [workers.submit(write, source) for source in sources]
        try:
            entries = tuple(entry for job in jobs if (entry := job.result()) is not None)
        except BaseException:
            workers.shutdown(cancel_futures=True)
            raise
    if failures and not entries:
        raise BackupError(describe_failures(failures))
    return entries, failures


def _write_definitions(
    draft: Path, snapshot: str, schemas: set[str]
) -> tuple[tuple[DefinitionFile, ...], dict[str, str]]:
    """Return the files of what datasets define, and why those of others are missing."""
    written: list[DefinitionFile] = []
    failures: dict[str, str] = {}
    for dataset in sorted(schemas - {SERVICE_SCHEMA}):
        try:
            text = dump_definitions(reader_conninfo(), dataset, snapshot=snapshot)
        except BackupError as error:
            failures[dataset] = error.message
            continue
        with DurableFile(draft / definition_file_name(dataset)) as file:
            file.write(text)
        written.append(
            DefinitionFile(
                dataset=dataset,
                file=definition_file_name(dataset),
                bytes=file.size,
                sha256=file.sha256,
            )
        )
    return tuple(written), failures


def _choose_names(names: Sequence[TableName], wanted: Sequence[str]) -> list[TableName]:
    if wanted:
        return choose_tables(names, wanted)
    include, exclude = settings.CONFIG.backups.include, settings.CONFIG.backups.exclude
    return [one for one in names if is_included(one.full_name, include=include, exclude=exclude)]


def _read_sources(snapshot: Snapshot) -> tuple[list[TableSource], dict[str, str]]:
    sources = []
    for name in sorted(snapshot.tables, key=lambda one: (one.schema, one.name)):
        table = snapshot.read_table(name)
        definition = read_definition(snapshot.connection, name.oid, name.schema)
        sources.append(TableSource(table, definition, snapshot.query_text))
    set_search_path(snapshot.connection, "pg_catalog")
    return sources, dict(snapshot.failures)


def _estimate_rows(snapshot: Snapshot, sources: Sequence[TableSource]) -> int:
    oids = [source.table.oid for source in sources]
    row = snapshot.connection.execute(
        "SELECT coalesce(sum(greatest(coalesce(s.n_live_tup, 0), c.reltuples, 0)), 0)::bigint"
        " FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid"
        " WHERE c.oid = ANY (%s)",
        [oids],
    ).fetchone()
    return int(row[0])  # type: ignore[index]


@contextmanager
def _draft_folder(archive: Path, run: UUID) -> Iterator[Path]:
    draft = archive / f"{DRAFT_PREFIX}{run}"
    # The process holds the lock while it lives: a draft without one was left by a killed run.
    with open_private(archive / f"{draft.name}{LOCK_SUFFIX}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            draft.mkdir(mode=PRIVATE_FOLDER)
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            Path(lock.name).unlink(missing_ok=True)


def _remove_leftovers(archive: Path) -> None:
    names = {path.name.removesuffix(LOCK_SUFFIX) for path in find_leftovers(archive)}
    for name in names:
        lock_path = archive / f"{name}{LOCK_SUFFIX}"
        with open_private(lock_path, "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(archive / name, ignore_errors=True)
            lock_path.unlink(missing_ok=True)
