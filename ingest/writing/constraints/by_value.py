"""Constraints that the values of one column answer: each different value is asked about once.

That is a fraction of what it costs to ask about every row, and where the values of the batch are
compared with each other the database need not be asked at all. PostgreSQL's own trigger of a
foreign key looks the referenced row up and locks it FOR KEY SHARE, so that it stays until the
commit: once for every row and key, which is most of what storing a batch costs. The look-up here
locks the same rows in the same way.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from ingest.payload.json_text import array_text
from ingest.writing.statements import execute_raw

INTEGER_TYPES = frozenset({"int2", "int4", "int8"})

# A column's values, row by row, None for what is missing or null.
Values = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Repetition:
    """No two rows of the batch have the same integer in the column."""

    column: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A table's name and the oid that belongs to it."""

    schema: str
    table: str
    oid: int


class TableSwapped(Exception):
    """Another table has the name of one that rows refer to."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The column's values, or none of them, are in a column of a table."""

    column: str
    type: str
    source: Composable  # the rows that are looked at, as a FROM item
    referenced: str
    must_exist: bool
    identity: Identity | None = None  # of the table, where another one may take its name


def find_repeated(values: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the places, from 1, of the rows whose integer another row has too, and the integer."""
    numbers = [None if value is None else int(value) for value in values]
    counts = Counter(numbers)
    counts.pop(None, None)
    if max(counts.values(), default=1) > 1:
        for place, number in enumerate(numbers, 1):
            if number is not None and counts[number] > 1:
                yield place, number


def lookup_statement(lookups: Sequence[Lookup], *, locking: bool) -> Composed:
    """Return one SELECT with an array for each look-up: the places of the values that fail it.

    Its parameters are an array of different values for each. With `locking` what must exist is
    locked until the commit, in an order that is the same in all batches. The oids of the tables
    come last: by then their names are locked and cannot be given to others.
    """
    queries: list[Composable] = [
        _lookup_query(lookup, number, locking=locking) for number, lookup in enumerate(lookups, 1)
    ]
    names = [
        Literal(Identifier(each.schema, each.table).as_string()) for each in _identities(lookups)
    ]
    queries += [SQL("{}::pg_catalog.regclass::oid::bigint").format(name) for name in names]
    return SQL("SELECT {}").format(SQL(", ").join(queries))


def _identities(lookups: Sequence[Lookup]) -> list[Identity]:
    return [lookup.identity for lookup in lookups if lookup.identity is not None]


def _lookup_query(lookup: Lookup, number: int, *, locking: bool) -> Composed:
    # The planner that cannot see how long the array of values is goes through the index in 0.2 ms;
    # else it weighs each value, and at times reads a whole table instead, in 0.4 to 2 ms. The array
    # of what was found is complete before a value is compared: so every row is locked.
    return SQL(
        "ARRAY(SELECT place FROM unnest({given}) WITH ORDINALITY AS given (value, place)"
        " WHERE value {test} (SELECT unnest(ARRAY(SELECT {column} FROM {source}"
        " WHERE {column} = ANY ((SELECT {given})::{type}[]){lock}))))"
    ).format(
        given=SQL("{}::{}[]").format(SQL(f"${number}"), SQL(lookup.type)),
        test=SQL("NOT IN" if lookup.must_exist else "IN"),
        column=Identifier(lookup.referenced),
        source=lookup.source,
        type=SQL(lookup.type),
        lock=SQL(" ORDER BY {} FOR KEY SHARE").format(Identifier(lookup.referenced))
        if lookup.must_exist and locking
        else SQL(""),
    )


def ask_values(
    connection: Connection,
    statement: LiteralString,
    lookups: Sequence[Lookup],
    values: Sequence[Sequence[Any]],
) -> list[list[Any]]:
    """Return for each look-up those of its different values that fail it.

    Raises `TableSwapped` where one of them looked into another table than it was made for.
    """
    arrays = [array_text(each) or list(map(str, each)) for each in values]
    answer = execute_raw(connection, statement, arrays, replan=True).fetchall()[0]
    found, oids = answer[: len(lookups)], answer[len(lookups) :]
    if list(oids) != [identity.oid for identity in _identities(lookups)]:
        raise TableSwapped
    return [
        [asked[place - 1] for place in places] for asked, places in zip(values, found, strict=True)
    ]


def find_places(values: Sequence[Any], failing: Collection[Any]) -> list[int]:
    """Return the places, from 1, of the rows that have one of the failing values."""
    if not failing:
        return []
    return [place for place, value in enumerate(values, 1) if value in failing]
