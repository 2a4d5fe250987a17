"""Old partitions taken out of their table, when a proven backup has all of their rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from backups.errors import BackupDamaged
from backups.models import BackupRun
from backups.runs.status import read_proofs
from backups.store.archive import list_backups
from backups.store.manifest import Manifest
from project.base.config import Partitioning
from project.schema.partitions import Partition, PartitionedTable
from project.schema.periods import preceding, start_of

DETACHED_PREFIX = "detached_"
_NAME_BYTES = 63


@dataclass(frozen=True)
class Proof:
    """A backup of a table that a restore has proven good."""

    backup: str
    next_transaction: int


def detached_schema(schema: str) -> str:
    """Return where a dataset's old partitions wait for a person to drop them."""
    return f"{DETACHED_PREFIX}{schema}"[:_NAME_BYTES]


def find_old(table: PartitionedTable, settings: Partitioning, now: datetime) -> Iterator[Partition]:
    """Yield the partitions that lie wholly before the `keep` periods that are to stay."""
    if settings.keep is None:
        return
    first = start_of(now, settings.every)
    for _ in range(settings.keep):
        first = preceding(first, settings.every)
    for one in table.partitions:
        if not one.takes_the_rest and one.high is not None and one.high <= first:
            yield one


def find_proof(table: str) -> Proof | None:
    """Return the newest backup of this database that has the table and was proven to restore."""
    for backup, proven_at in read_proofs(list_backups()).items():
        if proven_at is None or not _was_made_here(backup.id):
            continue
        try:
            manifest = backup.read()
        except BackupDamaged:
            continue
        if manifest.next_transaction is not None and _has(manifest, table):
            return Proof(manifest.name, manifest.next_transaction)
    return None


def find_obstacle(
    connection: Connection, table: PartitionedTable, old: Partition, proof: Proof | None
) -> str | None:
    """Return why a partition may not go yet, None where a proven backup has all of its rows."""
    if proof is None:
        return "there is no proven backup of the table"
    if _has_newer_rows(connection, Identifier(table.schema, old.name), proof):
        return f"rows are newer than the last proven backup, {proof.backup}"
    return None


def detach(
    connection: Connection, table: PartitionedTable, old: Partition, proof: Proof | None
) -> str | None:
    """Move a partition to the schema of detached ones; return why not, None where it is done.

    It leaves the table only while nothing was written to it since the proven backup.
    """
    parent, child = Identifier(table.schema, table.name), Identifier(table.schema, old.name)
    aside = Identifier(detached_schema(table.schema))
    try:
        with connection.transaction():
            connection.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(child))
            why_not = find_obstacle(connection, table, old, proof)
            if why_not is not None:
                return why_not
            connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(aside))
            connection.execute(SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, child))
            connection.execute(SQL("ALTER TABLE {} SET SCHEMA {}").format(child, aside))
    except psycopg.Error as error:
        return error.diag.message_primary or str(error)
    return None


def _was_made_here(run: UUID) -> bool:
    # Transactions are numbered by each server on its own.
    return BackupRun.objects.filter(pk=run, process__isnull=False).exists()


def _has(manifest: Manifest, table: str) -> bool:
    return any(entry.full_name == table for entry in manifest.tables)


def _has_newer_rows(connection: Connection, child: Identifier, proof: Proof) -> bool:
    """Return whether a row may have been written after the backup; a deleted one is inside it.

    A row knows the last 32 bits of the transaction that wrote it: two billion transactions after
    the backup nothing is certain any more.
    """
    row = connection.execute(
        SQL(
            "SELECT now.number - %(next)s NOT BETWEEN 0 AND 2000000000 OR EXISTS ("
            "SELECT FROM {} AS row"
            " WHERE age(row.xmin) <= age((%(next)s %% 4294967296)::text::xid))"
            " FROM (SELECT pg_current_xact_id()::text::bigint AS number) now"
        ).format(child),
        {"next": proof.next_transaction},
    ).fetchone()
    return bool(row and row[0])
