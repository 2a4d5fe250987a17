"""Which rows a restore is about: those with given values, read as the columns' types."""

import csv
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from backups.errors import LineageMissing, SelectionInvalid
from backups.restore.plan import Key, RestoreRequest
from backups.tables.ddl import raw_sql
from ingest.catalog.definitions import Column, Table, read_definition
from ingest.validation.parameter_values import is_comparable, parse_value, split_list
from project.base.errors import BadParameter

BATCH_COLUMN = "_batch"
NULL_WORD = r"\N"


@dataclass(frozen=True)
class Condition:
    """Columns and the values, in PostgreSQL's input format, of which a row must have some."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def holds(self, relation: str) -> Composed:
        """Return the SQL of whether a relation's row has one of the values."""
        values = SQL(", ").join(Identifier(relation, name) for name in self.names)
        return SQL("({}) IN (SELECT {} FROM {})").format(
            values, SQL(", ").join(self.casts()), self.texts()
        )

    def casts(self) -> Iterator[Composed]:
        """Yield the SQL of each value, of a row of `texts`."""
        for column in self.columns:
            yield SQL("w.{}::{}").format(Identifier(column.name), raw_sql(column.base_type))

    def texts(self) -> Composed:
        """Return a relation of the values as they were given, named `w`."""
        arrays = SQL(", ").join(
            SQL("{}::text[]").format(Literal([row[place] for row in self.rows]))
            for place in range(len(self.columns))
        )
        return SQL("unnest({}) w({})").format(arrays, SQL(", ").join(map(Identifier, self.names)))

    def find_unknown(self, connection: Connection, *relations: Identifier) -> tuple[str, ...]:
        """Return the values that no relation has in its columns."""
        missing = SQL(" AND ").join(
            SQL("NOT EXISTS (SELECT FROM {} r WHERE {})").format(
                relation,
                SQL(" AND ").join(
                    SQL("r.{} = {}").format(Identifier(name), cast)
                    for name, cast in zip(self.names, self.casts(), strict=True)
                ),
            )
            for relation in relations
        )
        rows = connection.execute(SQL("SELECT w.* FROM {} WHERE {}").format(self.texts(), missing))
        return tuple(dict.fromkeys(map(self._describe, rows)))

    def _describe(self, values: Sequence[str]) -> str:
        if len(values) == 1:
            return values[0]
        named = zip(self.names, values, strict=True)
        return ", ".join(f"{name}={value}" for name, value in named)


@dataclass(frozen=True)
class RowSelection:
    """The rows of which all conditions hold."""

    conditions: tuple[Condition, ...]
    nulls: tuple[str, ...]  # columns that are null
    keys: Condition | None  # the one of the conditions that names rows one by one

    def names(self, relation: str) -> Composed:
        """Return the SQL of whether a relation's row is selected: true or false."""
        conditions = [one.holds(relation) for one in self.conditions]
        conditions += [SQL("{} IS NULL").format(Identifier(relation, name)) for name in self.nulls]
        return SQL("coalesce({}, false)").format(SQL(" AND ").join(conditions))

    def find_unknown_keys(self, connection: Connection, *relations: Identifier) -> tuple[str, ...]:
        """Return the keys asked for that are in no relation."""
        return self.keys.find_unknown(connection, *relations) if self.keys is not None else ()


def select_rows(
    connection: Connection,
    oid: int | None,
    full_name: str,
    stored: Collection[str],
    request: RestoreRequest,
) -> RowSelection | None:
    """Return which rows of a table are asked for, None for all; runs in the caller's transaction.

    `stored` are the columns whose values come from the file. Raises `SelectionInvalid` for columns
    that the file or the table lacks and for values of another type, `LineageMissing`.
    """
    if oid is None or not request.selects_rows:
        return None
    table, _ = read_definition(connection, oid)
    made = _Selector(table, full_name, stored, request).select()
    for condition in made.conditions:
        _ask_for_types(connection, condition, full_name)
    return made


class _Selector:
    def __init__(
        self, table: Table, full_name: str, stored: Collection[str], request: RestoreRequest
    ) -> None:
        self._table = table
        self._full_name = full_name
        self._stored = stored
        self._request = request

    def select(self) -> RowSelection:
        where = dict(self._request.where)
        conditions = [
            self._require([name], [[value]]) for name, value in where.items() if value is not None
        ]
        nulls = [self._find(name).name for name, value in where.items() if value is None]
        if self._request.batch is not None:
            conditions.append(self._require_batch(self._request.batch))
        keys = self._require_keys(self._request.keys) if self._request.keys is not None else None
        return RowSelection((*conditions, *([keys] if keys else ())), tuple(nulls), keys)

    def _require(self, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Condition:
        columns = tuple(self._find(name) for name in names)
        for column in columns:
            if not is_comparable(column):
                raise self._refuse(f"Rows are not selected by {column.name} of type {column.type}")
        return Condition(columns, [self._parse(columns, row) for row in rows])

    def _require_batch(self, batch: str) -> Condition:
        column = self._table.by_name.get(BATCH_COLUMN)
        if column is None or column.base != "uuid":
            raise LineageMissing(
                f"{self._full_name} has no column {BATCH_COLUMN} (uuid): which batch its"
                " rows came with is not recorded",
                table=self._full_name,
            )
        return self._require([BATCH_COLUMN], [[batch]])

    def _require_keys(self, keys: Sequence[Key]) -> Condition:
        key = self._table.primary_key
        if key is None:
            raise self._refuse("There is no primary key to select rows by")
        return self._require(key.columns, [self._read_key(key.columns, one) for one in keys])

    def _read_key(self, names: Sequence[str], key: Key) -> list[str]:
        named = {names[0]: key} if isinstance(key, str) and len(names) == 1 else key
        if isinstance(named, str) or not set(names) <= set(named):
            raise self._refuse(f"Keys need the columns {', '.join(names)} by name")
        return [named[name] for name in names]

    def _find(self, name: str) -> Column:
        column = self._table.by_name.get(name)
        if column is None:
            raise self._refuse(f"There is no column {name[:100]!r}")
        if name not in self._stored:
            raise self._refuse(f"The backup brings no column {name!r}")
        return column

    def _refuse(self, reason: str) -> SelectionInvalid:
        return SelectionInvalid(f"{self._full_name}: {reason}", table=self._full_name)

    def _parse(self, columns: Sequence[Column], values: Sequence[str]) -> list[str]:
        try:
            return [
                # A required column may have an empty text, also where ingest takes none.
                parse_value(msgspec.structs.replace(column, not_null=False), value, column.name)
                for column, value in zip(columns, values, strict=True)
            ]
        except BadParameter as error:
            raise self._refuse(error.message) from error


def _ask_for_types(connection: Connection, condition: Condition, full_name: str) -> None:
    """Raise `SelectionInvalid` where only PostgreSQL can tell that a value is of another type."""
    row = SQL("ROW({})::text").format(SQL(", ").join(condition.casts()))
    try:
        connection.execute(SQL("SELECT count({}) FROM {}").format(row, condition.texts()))
    except psycopg.DataError as error:
        said = error.diag.message_primary or str(error)
        names = ", ".join(condition.names)
        raise SelectionInvalid(f"{full_name}: {names}: {said}", table=full_name) from error


def read_conditions(texts: Sequence[str]) -> dict[str, str | None]:
    r"""Return what `column=value` texts say; the value \N is null, none the empty text."""
    where: dict[str, str | None] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or name in where:
            problem = "stands twice" if separator else "is not COLUMN=VALUE"
            raise SelectionInvalid(f"{text[:100]!r} {problem}")
        where[name] = None if value == NULL_WORD else value
    return where


def read_keys(text: str) -> list[Key]:
    """Return the keys of a file, CSV with a header, or of a list with commas."""
    if not os.path.exists(text):  # noqa: PTH110 - a long list is no error
        return _explaining("the list of keys", lambda: list[Key](split_list(text, "keys")))
    return _explaining(text, lambda: list[Key](_read_csv(text)))


def _read_csv(path: str) -> Iterator[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:  # noqa: PTH123
        reader = csv.DictReader(file, strict=True)
        for row in reader:
            if None in row or None in row.values():
                raise SelectionInvalid(f"{path}, line {reader.line_num}: not as long as the header")
            yield row


def _explaining(what: str, read: Callable[[], list[Key]]) -> list[Key]:
    try:
        return read()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SelectionInvalid(f"{what} cannot be read: {error}") from error
    except BadParameter as error:
        raise SelectionInvalid(error.message) from error
