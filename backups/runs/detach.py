"""Old partitions detached from their table once a proven backup has all of their rows."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from backups.errors import BackupError
from backups.models import BackupRun
from backups.runs.status import read_proofs
from backups.store.archive import list_backups
from backups.store.manifest import Manifest
from backups.store.origin import open_trusted
from project.base.config import Partitioning
from project.schema.partitions import MAX_NAME_BYTES, Partition, PartitionedTable
from project.schema.periods import preceding, start_of

DETACHED_PREFIX = "detached_"


def detached_schema(schema: str) -> str:
    """Return the schema of a dataset's detached partitions, which a person may drop."""
    return f"{DETACHED_PREFIX}{schema}"[:MAX_NAME_BYTES]


def find_expired(
    table: PartitionedTable, settings: Partitioning, now: datetime
) -> Iterator[Partition]:
    """Yield the partitions that end before the last `keep` periods."""
    if settings.keep is None:
        return
    first = start_of(now, settings.every)
    for _ in range(settings.keep):
        first = preceding(first, settings.every)
    for one in table.partitions:
        if not one.takes_the_rest and one.high is not None and one.high <= first:
            yield one


def find_proven_backup(table: str) -> Manifest | None:
    """Return the newest complete backup of this database with the table, proven to restore.

    Its manifest is signed: somebody else could have changed it since it was proven.
    """
    for backup, proven_at in read_proofs(list_backups()).items():
        if proven_at is None or not _was_made_here(backup.id):
            continue
        with suppress(BackupError):
            _, manifest = open_trusted(backup)
            names = {entry.full_name for entry in manifest.tables}
            if manifest.complete and manifest.next_transaction is not None and table in names:
                return manifest
    return None


def find_obstacle(
    connection: Connection, table: PartitionedTable, expired: Partition, backup: Manifest | None
) -> str | None:
    """Return why a partition cannot be detached, None where a proven backup has all of its rows."""
    if backup is None:
        return "there is no proven backup of the table"
    if _has_newer_rows(connection, Identifier(table.schema, expired.name), backup):
        return f"rows are newer than the last proven backup, {backup.name}"
    return None


def detach(
    connection: Connection, table: PartitionedTable, expired: Partition, backup: Manifest | None
) -> str | None:
    """Move a partition to the schema of detached ones; return why not, None where it is done.

    It is locked first, so that nothing can be written to it after the check.
    """
    parent, child = Identifier(table.schema, table.name), Identifier(table.schema, expired.name)
    target = Identifier(detached_schema(table.schema))
    try:
        with connection.transaction():
            connection.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(child))
            obstacle = find_obstacle(connection, table, expired, backup)
            if obstacle is not None:
                return obstacle
            connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(target))
            connection.execute(SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, child))
            connection.execute(SQL("ALTER TABLE {} SET SCHEMA {}").format(child, target))
    except psycopg.Error as error:
        return error.diag.message_primary or str(error)
    return None


def _was_made_here(run: UUID) -> bool:
    # Another server's transaction ids mean nothing here.
    return BackupRun.objects.filter(pk=run, process__isnull=False).exists()


def _has_newer_rows(connection: Connection, child: Identifier, backup: Manifest) -> bool:
    """Return whether a row may have been written after the backup.

    A row's xmin has the last 32 bits of the transaction id: two billion transactions after the
    backup every row may be newer.
    """
    row = connection.execute(
        SQL(
            "SELECT now.number - %(next)s NOT BETWEEN 0 AND 2000000000 OR EXISTS ("
            "SELECT FROM {} AS row"
            " WHERE age(row.xmin) <= age((%(next)s %% 4294967296)::text::xid))"
            " FROM (SELECT pg_current_xact_id()::text::bigint AS number) now"
        ).format(child),
        {"next": backup.next_transaction},
    ).fetchone()
    return bool(row and row[0])
