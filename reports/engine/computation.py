"""A report's rows computed in one snapshot, spooled in COPY's binary format."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO
from uuid import UUID

from psycopg import ClientCursor, Connection
from psycopg.sql import SQL, Composed, Identifier

from reports.engine.definition import Definition
from reports.engine.refresh import open_snapshot
from reports.engine.state import read_last_batch
from reports.engine.tables import TableColumn
from reports.errors import DefinitionInvalid

SPOOL_BYTES = 16 * 1024 * 1024  # results up to this size stay in memory
COMPUTED = Identifier("rowhouse_computed")


@dataclass(frozen=True, kw_only=True)
class Computed:
    """The rows in the report's order, and the time and last batch of their snapshot."""

    columns: tuple[TableColumn, ...]
    spool: IO[bytes]
    now: datetime
    last_batch: UUID | None
    line: float | None


@contextmanager
def compute_report(connection: Connection, definition: Definition) -> Iterator[Computed]:
    """Run the report's SELECT in its own snapshot; the spool is open inside the block.

    COPY instead of INSERT … SELECT, which PostgreSQL never runs in parallel. Raise `ReportBusy`
    where another process is computing the same report, `DefinitionInvalid` where the SELECT's
    columns are not those of the header.
    """
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as spool:
        with open_snapshot(connection, definition.name):
            now = datetime.now(UTC)
            columns = _describe(connection, definition)
            source, line = _evaluate(connection, definition)
            _copy_out(connection, definition, source, spool)
            last_batch = read_last_batch(connection, definition.header.sources)
        yield Computed(columns=columns, spool=spool, now=now, last_batch=last_batch, line=line)


def _describe(connection: Connection, definition: Definition) -> tuple[TableColumn, ...]:
    """Return the SELECT's columns with their types, without running it."""
    statement = SQL("SELECT * FROM ({}) AS report LIMIT 0").format(_query(definition))
    cursor = ClientCursor(connection)
    cursor.execute(statement, definition.values)
    result, described = cursor.pgresult, cursor.description
    if result is None or described is None:
        raise DefinitionInvalid(f"{definition.name}: there is no SELECT", report=definition.name)
    types = [(result.ftype(n), result.fmod(n)) for n in range(len(described))]
    rows = connection.execute(
        "SELECT format_type(oid, mod) FROM unnest(%s::oid[], %s::int[])"
        " WITH ORDINALITY AS t (oid, mod, number) ORDER BY number",
        [[oid for oid, _ in types], [mod for _, mod in types]],
    ).fetchall()
    found = [TableColumn(d.name, type_) for d, (type_,) in zip(described, rows, strict=True)]
    return _check_columns(definition, found)


def _check_columns(definition: Definition, found: list[TableColumn]) -> tuple[TableColumn, ...]:
    wanted = list(definition.header.columns)
    line = definition.line_column
    names = [column.name for column in found]
    hidden = {line} - set(wanted)
    if [name for name in names if name not in hidden] != wanted or len(set(names)) != len(names):
        raise DefinitionInvalid(
            f"{definition.name}: the SELECT gives {', '.join(names)}; the header's columns are "
            f"{', '.join(wanted)}",
            report=definition.name,
        )
    if line is not None and line not in names:
        raise DefinitionInvalid(
            f"{definition.name}: the SELECT has no column {line} for the chart's line",
            report=definition.name,
        )
    return tuple(column for column in found if column.name in wanted)


def _evaluate(connection: Connection, definition: Definition) -> tuple[Composed, float | None]:
    """Return the FROM item to copy the rows from, and the value of the chart's line.

    A report with a line is evaluated into a temporary table, for its rows are read twice.
    """
    line = definition.line_column
    if line is None:
        return SQL("({})").format(_query(definition)), None
    create = SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS {}").format(COMPUTED, _query(definition))
    ClientCursor(connection).execute(create, definition.values)
    highest = SQL("SELECT max({})::float8 FROM {}").format(Identifier(line), COMPUTED)
    row = connection.execute(highest).fetchone()
    return SQL("{}").format(COMPUTED), row[0] if row else None


def _copy_out(
    connection: Connection, definition: Definition, source: Composed, spool: IO[bytes]
) -> None:
    statement = SQL("COPY (SELECT {} FROM {} AS report{}) TO STDOUT (FORMAT binary)").format(
        SQL(", ").join(Identifier(name) for name in definition.header.columns),
        source,
        order_by(definition.header.order),
    )
    with ClientCursor(connection).copy(statement, definition.values) as copy:
        for block in copy:
            spool.write(block)


def order_by(items: Iterable[str]) -> Composed:
    """Return an ORDER BY clause over the columns of `report`, with the space before it."""
    keys = []
    for item in items:
        name, _, direction = item.partition(" ")
        keys.append(SQL("{} DESC" if direction else "{}").format(Identifier("report", name)))
    return SQL(" ORDER BY {}").format(SQL(", ").join(keys)) if keys else Composed([])


def _query(definition: Definition) -> Composed:
    # The newline ends a comment at the query's end. The definition is part of the program.
    return Composed([SQL(definition.query), SQL("\n")])
