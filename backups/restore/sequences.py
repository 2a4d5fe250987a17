"""Sequences of restored tables: they go on after every number in use, and never back."""

from collections.abc import Iterable

from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from backups.tables.definition import SequenceDefinition, TableDefinition


def advance_sequences(
    connection: Connection, table: TableDefinition, before: Iterable[SequenceDefinition] = ()
) -> None:
    """Have sequences continue after the numbers in the table and those given out `before`.

    Each goes in its own direction and stays within its bounds; one that starts again is left
    alone. What setval does is not undone by a rollback.
    """
    known = {one.column: one for one in before}
    for sequence in table.sequences:
        if not sequence.cycle:
            _advance(connection, table, sequence, known.get(sequence.column))


def _advance(
    connection: Connection,
    table: TableDefinition,
    sequence: SequenceDefinition,
    before: SequenceDefinition | None,
) -> None:
    furthest = max if sequence.increment > 0 else min
    name = Identifier(table.schema, sequence.name).as_string(connection)
    row = connection.execute(
        SQL("SELECT pg_sequence_last_value({}::regclass), {}({})::numeric FROM {}").format(
            Literal(name),
            SQL(furthest.__name__),
            Identifier(sequence.column),
            Identifier(table.schema, table.table),
        )
    ).fetchone()
    now, used = row or (None, None)
    reached = int(now) if now is not None else sequence.start - sequence.increment
    numbers = [int(used)] if used is not None else []
    if before is not None and before.last_value is not None:
        is_same_way = before.increment * sequence.increment > 0
        numbers += [before.last_value] if is_same_way else []
    if numbers:
        number = min(max(furthest(numbers), sequence.minimum), sequence.maximum)
        if (number - reached) * sequence.increment > 0:
            connection.execute("SELECT setval(%s::regclass, %s)", [name, number])
