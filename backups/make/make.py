"""A backup: every table of one snapshot in a folder that appears when it is complete."""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

from backups.errors import BackupError
from backups.make.snapshot import Snapshot, take_snapshot
from backups.make.writer import TableSource, write_table
from backups.progress import NO_PROGRESS, Progress
from backups.store.archive import DRAFT_PREFIX, archive_folder, find_leftovers, folder_name
from backups.store.files import (
    PRIVATE_FOLDER,
    open_private,
    publish_folder,
    write_durably,
)
from backups.store.folder import file_name
from backups.store.manifest import (
    FORMAT_VERSION,
    MANIFEST_NAME,
    Manifest,
    TableEntry,
    encode_manifest,
)
from backups.store.origin import read_signing_keys
from backups.store.selection import choose_tables, is_included
from backups.tables.catalog import read_definition, set_search_path

LOCK_SUFFIX = ".lock"


def make_backup(
    run: UUID,
    *,
    tables: Sequence[str] = (),
    codec: str | None = None,
    progress: Progress = NO_PROGRESS,
) -> Manifest:
    """Write a backup of the named tables, of all that the settings include for none.

    The folder appears under its name when all of it is on disk. Raise `BackupError` where that
    cannot be done; nothing is left but a draft, which the next backup removes.
    """
    archive = archive_folder()
    codec = codec or settings.CONFIG.backups.codec
    _remove_leftovers(archive)
    try:
        with _draft_folder(archive, run) as draft, take_snapshot() as snapshot:
            entries = _write_tables(draft, snapshot, tables, codec, progress)
            manifest = Manifest(
                format_version=FORMAT_VERSION,
                id=run,
                name=folder_name(run, snapshot.taken_at),
                snapshot_at=snapshot.taken_at,
                last_batch=snapshot.last_batch,
                postgresql_version=snapshot.postgresql_version,
                codec=codec,
                complete=not tables,
                tables=tuple(entries),
                next_transaction=snapshot.next_transaction,
            )
            signing_key, *_ = read_signing_keys()
            write_durably(draft / MANIFEST_NAME, encode_manifest(manifest, signing_key))
            publish_folder(draft, archive / manifest.name)
    except OSError as error:
        raise BackupError(f"The backup cannot be written: {error}") from error
    return manifest


def _write_tables(
    draft: Path, snapshot: Snapshot, wanted: Sequence[str], codec: str, progress: Progress
) -> list[TableEntry]:
    sources = _choose_sources(snapshot, wanted)
    progress.expect_rows(_estimate_rows(snapshot, sources))

    def write(source: TableSource) -> TableEntry:
        path = draft / file_name(source.table.schema, source.table.name)
        return write_table(source, path, codec, progress)

    with ThreadPoolExecutor(settings.CONFIG.backups.workers) as workers:
        jobs = [workers.submit(write, source) for source in sources]
        try:
            return [job.result() for job in jobs]
        except BaseException:
            workers.shutdown(cancel_futures=True)
            raise


def _choose_sources(snapshot: Snapshot, wanted: Sequence[str]) -> list[TableSource]:
    config = settings.CONFIG
    tables = snapshot.read_tables(list(config.datasets))
    if wanted:
        tables = choose_tables(tables, wanted)
    else:
        include, exclude = config.backups.include, config.backups.exclude
        tables = [
            table
            for table in tables
            if is_included(table.full_name, include=include, exclude=exclude)
        ]
    sources = []
    for table in tables:
        definition = read_definition(snapshot.connection, table.oid, table.schema)
        sources.append(TableSource(table, definition, snapshot.name, snapshot.query_text))
    set_search_path(snapshot.connection, "pg_catalog")
    return sources


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
