"""Tables partitioned by time: their partitions as they are, and the coming ones made ahead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from project.base.config import Partitioning
from project.base.errors import RowhouseError
from project.base.sql_files import read_sql
from project.schema.periods import Every, following, name_of, start_of

FOLDER = Path(__file__).parent / "sql"
MAX_NAME_BYTES = 63
TIMES = {"date", "timestamp with time zone", "timestamp without time zone"}


class PartitionsRefused(RowhouseError):
    """A table's partitions cannot be kept as the settings want them."""

    code = "partitions_refused"


@dataclass(frozen=True)
class Partition:
    """A part of a table from `low` on to `high`, which is outside; None where it has no end."""

    name: str
    takes_the_rest: bool
    low: datetime | None
    high: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Return whether rows of that moment have their place here, and not in the default."""
        return (
            not self.takes_the_rest
            and (self.low is None or self.low <= moment)
            and (self.high is None or moment < self.high)
        )


@dataclass(frozen=True)
class PartitionedTable:
    """A table that is partitioned by ranges of a column of time."""

    schema: str
    name: str
    column: str
    partitions: Sequence[Partition]

    @property
    def full_name(self) -> str:
        """The name people use: mds.vehicle_events."""
        return f"{self.schema}.{self.name}"

    @property
    def default(self) -> Partition | None:
        """The partition that takes the rows no other one does."""
        return next((one for one in self.partitions if one.takes_the_rest), None)


@dataclass(frozen=True)
class Wanted:
    """A partition that is to be made."""

    name: str
    low: datetime
    high: datetime


def read_partitioned(connection: Connection, schema: str, name: str) -> PartitionedTable:
    """Return a table's partitions; raise `PartitionsRefused` where it has none by time."""
    names = {"schema": schema, "table": name}
    key = connection.execute(read_sql(FOLDER / "partition_key.sql"), names).fetchone()
    if key is None or key[1] not in TIMES:
        raise PartitionsRefused(
            f"{schema}.{name} is not partitioned by range of one column of time: let its "
            "schema.sql say PARTITION BY RANGE (that column)"
        )
    found = connection.execute(read_sql(FOLDER / "partitions.sql"), names).fetchall()
    return PartitionedTable(schema, name, key[0], [Partition(*row) for row in found])


def plan_partitions(
    table: PartitionedTable, settings: Partitioning, now: datetime
) -> Iterator[Wanted]:
    """Yield what is missing of the present period's partition and the `ahead` next ones."""
    low = start_of(now, settings.every)
    for _ in range(settings.ahead + 1):
        high = following(low, settings.every)
        if not any(one.holds(low) for one in table.partitions):
            yield Wanted(_partition_name(table.name, low, settings.every), low, high)
        low = high


def make_partition(connection: Connection, table: PartitionedTable, wanted: Wanted) -> None:
    """Make one partition; raise `PartitionsRefused` with what is in the way.

    Made beside the table and then attached: writers of other partitions are not held up.
    """
    parent, child = Identifier(table.schema, table.name), Identifier(table.schema, wanted.name)
    make = SQL(
        "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS"
        " INCLUDING STORAGE INCLUDING COMPRESSION)"
    )
    attach = SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
    try:
        with connection.transaction():
            connection.execute(make.format(child, parent))
            connection.execute(
                attach.format(parent, child, _bound(wanted.low), _bound(wanted.high))
            )
    except psycopg.errors.CheckViolation as error:
        raise PartitionsRefused(
            f"{table.full_name}: {wanted.name} is not made: its rows are in the default partition "
            "already. Move them, as docs/growing.md says"
        ) from error
    except psycopg.Error as error:
        raise PartitionsRefused(
            f"{table.full_name}: {wanted.name} is not made: {error.diag.message_primary or error}"
        ) from error


def count_in_default(
    connection: Connection, table: PartitionedTable, every: Every
) -> list[tuple[datetime, int]]:
    """Return how many rows of each period have fallen into the default partition."""
    if table.default is None:
        return []
    statement = SQL(
        "SELECT date_trunc({}, {}::timestamptz, 'UTC') AS start, count(*) FROM {}"
        " WHERE isfinite({}) GROUP BY 1 ORDER BY 1"
    ).format(
        Literal(every),
        Identifier(table.column),
        Identifier(table.schema, table.default.name),
        Identifier(table.column),
    )
    return connection.execute(statement).fetchall()


def _partition_name(table: str, start: datetime, every: Every) -> str:
    ending = f"_{name_of(start, every)}"
    room = MAX_NAME_BYTES - len(ending)
    return table.encode()[:room].decode(errors="ignore") + ending


def _bound(moment: datetime) -> Literal:
    # As text, which a date and both kinds of timestamps read in the same way.
    return Literal(moment.strftime("%Y-%m-%d 00:00:00+00"))
