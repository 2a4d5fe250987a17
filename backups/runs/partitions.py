"""Every partitioned table of the settings looked after: made ahead, reported, detached."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from psycopg import Connection
from psycopg.sql import Identifier

from backups.runs.detaching import detach, detached_schema, find_obstacle, find_old, find_proof
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

LOCK_PATIENCE = "5s"

Say = Callable[[str], None]


@dataclass
class Tended:
    """What was done, and what could not be."""

    made: int = 0
    detached: int = 0
    in_default: int = 0
    refusals: list[str] = field(default_factory=list)


def tend_partitions(
    *, say: Say = lambda line: None, dry_run: bool = False, now: datetime | None = None
) -> str:
    """Make the coming partitions, count what fell into default ones, detach old ones.

    Return that in words; raise `PartitionsRefused` with all that could not be done, after
    everything else was.
    """
    tended = Tended()
    with connect_admin() as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_PATIENCE])
        connection.execute("SELECT set_config('timezone', 'UTC', false)")
        go_step_by_step(connection)
        for schema, dataset in settings.CONFIG.datasets.items():
            for name, wanted in dataset.partitions.items():
                work = _Work(connection, wanted, now or datetime.now(UTC), say, tended)
                try:
                    work.run(read_partitioned(connection, schema, name), dry_run=dry_run)
                except RowhouseError as error:
                    tended.refusals.append(error.message)
    if tended.refusals:
        raise PartitionsRefused("; ".join(tended.refusals), refusals=tended.refusals)
    return (
        f"{tended.made} made, {tended.detached} detached, "
        f"{tended.in_default} rows in default partitions"
    )


@dataclass
class _Work:
    connection: Connection
    settings: Partitioning
    now: datetime
    say: Say
    tended: Tended

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
                    self.tended.refusals.append(error.message)
                    continue
            self.tended.made += 1
            self.say(f"{table.full_name}: make {wanted.name}")

    def _report(self, table: PartitionedTable) -> None:
        for start, rows in count_in_default(self.connection, table, self.settings.every):
            self.tended.in_default += rows
            period = name_of(start, self.settings.every)
            self.say(f"{table.full_name}: {rows} rows of {period} are in the default partition")

    def _detach(self, table: PartitionedTable, *, dry_run: bool) -> None:
        old = list(find_old(table, self.settings, self.now))
        proof = find_proof(table.full_name) if old else None
        for one in old:
            settle = find_obstacle if dry_run else detach
            why = settle(self.connection, table, one, proof)
            if why is None:
                self.tended.detached += 1
                aside = Identifier(detached_schema(table.schema), one.name).as_string()
                self.say(f"{table.full_name}: detach {one.name}, now {aside}")
            else:
                self.say(f"{table.full_name}: {one.name} stays: {why}")
