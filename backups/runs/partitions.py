"""Partition maintenance: partitions created ahead, default ones reported, old ones detached."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from psycopg import Connection
from psycopg.sql import Identifier

from backups.runs.detach import (
    detach,
    detached_schema,
    find_expired,
    find_obstacle,
    find_proven_backup,
)
from backups.tables.connection import connect_admin
from project.base.config import Partitioning
from project.base.errors import RowhouseError
from project.schema.citus import go_step_by_step
from project.schema.partitions import (
    PartitionedTable,
    PartitionsRefused,
    count_in_default,
    make_partition,
    plan_partitions,
    read_partitioned,
)
from project.schema.periods import name_of

LOCK_TIMEOUT = "5s"

Write = Callable[[str], None]


def maintain_partitions(
    *, write: Write = lambda line: None, dry_run: bool = False, now: datetime | None = None
) -> str:
    """Create the coming partitions, count the rows in default ones, detach old ones.

    Return a summary; raise `PartitionsRefused` with all that could not be done, after everything
    else was.
    """
    with connect_admin() as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        connection.execute("SELECT set_config('timezone', 'UTC', false)")
        go_step_by_step(connection)
        done = _Maintenance(connection, now or datetime.now(UTC), write, dry_run)
        for schema, dataset in settings.CONFIG.datasets.items():
            for name, wanted in dataset.partitions.items():
                try:
                    done.maintain(read_partitioned(connection, schema, name), wanted)
                except RowhouseError as error:
                    done.refusals.append(error.message)
    if done.refusals:
        raise PartitionsRefused("; ".join(done.refusals), refusals=done.refusals)
    return (
        f"{done.made} made, {done.detached} detached, {done.in_default} rows in default partitions"
    )


@dataclass
class _Maintenance:
    """The maintenance of all tables: what was done, and what could not be."""

    connection: Connection
    now: datetime
    write: Write
    dry_run: bool
    made: int = 0
    detached: int = 0
    in_default: int = 0
    refusals: list[str] = field(default_factory=list)

    def maintain(self, table: PartitionedTable, settings: Partitioning) -> None:
        self._make(table, settings)
        self._report(table, settings)
        self._detach(table, settings)

    def _make(self, table: PartitionedTable, settings: Partitioning) -> None:
        for wanted in plan_partitions(table, settings, self.now):
            if not self.dry_run:
                try:
                    make_partition(self.connection, table, wanted)
                except PartitionsRefused as error:
                    self.refusals.append(error.message)
                    continue
            self.made += 1
            self.write(f"{table.full_name}: make {wanted.name}")

    def _report(self, table: PartitionedTable, settings: Partitioning) -> None:
        for start, rows in count_in_default(self.connection, table, settings.every):
            self.in_default += rows
            period = name_of(start, settings.every)
            self.write(f"{table.full_name}: {rows} rows of {period} are in the default partition")

    def _detach(self, table: PartitionedTable, settings: Partitioning) -> None:
        expired = list(find_expired(table, settings, self.now))
        backup = find_proven_backup(table.full_name) if expired else None
        for one in expired:
            detach_or_check = find_obstacle if self.dry_run else detach
            obstacle = detach_or_check(self.connection, table, one, backup)
            if obstacle is None:
                self.detached += 1
                moved = Identifier(detached_schema(table.schema), one.name).as_string()
                self.write(f"{table.full_name}: detach {one.name}, now {moved}")
            else:
                self.write(f"{table.full_name}: {one.name} stays: {obstacle}")
