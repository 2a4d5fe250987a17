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


@dataclass
class Maintenance:
    """What was done, and what could not be."""

    made: int = 0
    detached: int = 0
    in_default: int = 0
    refusals: list[str] = field(default_factory=list)


def maintain_partitions(
    *, write: Write = lambda line: None, dry_run: bool = False, now: datetime | None = None
) -> str:
    """Create the coming partitions, count the rows in default ones, detach old ones.

    Return a summary; raise `PartitionsRefused` with all that could not be done, after everything
    else was.
    """
    done = Maintenance()
    with connect_admin() as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        connection.execute("SELECT set_config('timezone', 'UTC', false)")
        go_step_by_step(connection)
        for schema, dataset in settings.CONFIG.datasets.items():
            for name, wanted in dataset.partitions.items():
                task = _Task(connection, wanted, now or datetime.now(UTC), write, done)
                try:
                    task.run(read_partitioned(connection, schema, name), dry_run=dry_run)
                except RowhouseError as error:
                    done.refusals.append(error.message)
    if done.refusals:
        raise PartitionsRefused("; ".join(done.refusals), refusals=done.refusals)
    return (
        f"{done.made} made, {done.detached} detached, {done.in_default} rows in default partitions"
    )


@dataclass
class _Task:
    connection: Connection
    settings: Partitioning
    now: datetime
    write: Write
    done: Maintenance

    def run(self, table: PartitionedTable, *, dry_run: bool) -> None:
        self._make(table, dry_run=dry_run)
        self._report(table)
        self._detach(table, dry_run=dry_run)

    def _make(self, table: PartitionedTable, *, dry_run: bool) -> None:
        for wanted in plan_partitions(table, self.settings, self.now):
            if not dry_run:
                try:
                    make_partition(self.connection, table, wanted)
                except PartitionsRefused as error:
                    self.done.refusals.append(error.message)
                    continue
            self.done.made += 1
            self.write(f"{table.full_name}: make {wanted.name}")

    def _report(self, table: PartitionedTable) -> None:
        for start, rows in count_in_default(self.connection, table, self.settings.every):
            self.done.in_default += rows
            period = name_of(start, self.settings.every)
            self.write(f"{table.full_name}: {rows} rows of {period} are in the default partition")

    def _detach(self, table: PartitionedTable, *, dry_run: bool) -> None:
        expired = list(find_expired(table, self.settings, self.now))
        backup = find_proven_backup(table.full_name) if expired else None
        for one in expired:
            detach_or_check = find_obstacle if dry_run else detach
            obstacle = detach_or_check(self.connection, table, one, backup)
            if obstacle is None:
                self.done.detached += 1
                moved = Identifier(detached_schema(table.schema), one.name).as_string()
                self.write(f"{table.full_name}: detach {one.name}, now {moved}")
            else:
                self.write(f"{table.full_name}: {one.name} stays: {obstacle}")
