"""The key that pages of a table's rows go by: what is ordered by, made unique."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog.definitions import Table, UniqueKey
from ingest.reading.selection import Term

ROW = Identifier("rowhouse row")


class Parameters:
    """The values of a statement in the making."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def add(self, value: object) -> Composable:
        """Return the placeholder of a value; PostgreSQL takes its type from what is around it."""
        self.values.append(value)
        return SQL(f"${len(self.values)}")


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One expression of the key."""

    expression: Composable
    descending: bool
    nullable: bool
    type: Composable | None = None  # of a system column, which parameters do not take by themselves

    @property
    def text(self) -> Composed:
        """The part as text, to be put into a cursor."""
        return SQL("({})::text").format(self.expression)

    @property
    def direction(self) -> Composed:
        """The part in an ORDER BY; PostgreSQL puts nulls above all values."""
        suffix = SQL("{} DESC") if self.descending else SQL("{}")
        return suffix.format(self.expression)


def key_of(table: Table, order: Sequence[Term], *, backwards: bool = False) -> list[KeyPart]:
    """Return the order completed by the table's key, so that no two rows are equal.

    A table without a key goes by the place of its rows in its files, which an update changes.
    """
    parts = [
        KeyPart(
            SQL("{}.{}").format(ROW, Identifier(term.column.name)),
            term.descending,
            not term.column.not_null,
        )
        for term in order
    ]
    descending = bool(parts) and parts[-1].descending
    ordered = {term.column.name for term in order}
    key = find_row_key(table)
    if key is not None:
        parts += [
            KeyPart(SQL("{}.{}").format(ROW, Identifier(name)), descending, nullable=False)
            for name in key.columns
            if name not in ordered
        ]
    else:
        parts += [
            KeyPart(SQL("{}.tableoid").format(ROW), descending, nullable=False, type=SQL("oid")),
            KeyPart(SQL("{}.ctid").format(ROW), descending, nullable=False, type=SQL("tid")),
        ]
    if backwards:
        parts = [replace(part, descending=not part.descending) for part in parts]
    return parts


def find_row_key(table: Table) -> UniqueKey | None:
    """Return the primary key, else a unique key that is never null; None where there is neither."""
    sound = [
        key
        for key in table.unique_keys
        if key.plain
        and key.predicate is None
        and not key.deferrable
        and all(table.by_name[name].not_null for name in key.columns)
    ]
    return next(iter(sound), None)


def beyond(
    parts: Sequence[KeyPart], key: Sequence[str | None], parameters: Parameters
) -> Composable:
    """Return the condition of the rows that come after the one with this key."""
    is_uniform = len({part.descending for part in parts}) == 1
    if is_uniform and not any(part.nullable for part in parts):
        # One comparison of rows, which an index answers.
        return SQL("({}) {} ({})").format(
            SQL(", ").join(part.expression for part in parts),
            SQL("<" if parts[0].descending else ">"),
            SQL(", ").join(
                _typed(part, parameters.add(value)) for part, value in zip(parts, key, strict=True)
            ),
        )
    condition: Composable = SQL("false")
    for part, value in reversed(list(zip(parts, key, strict=True))):
        condition = SQL("({} OR ({} AND {}))").format(
            _strictly_beyond(part, value, parameters), _equal(part, value, parameters), condition
        )
    return condition


def _strictly_beyond(part: KeyPart, value: str | None, parameters: Parameters) -> Composable:
    if value is None:
        if part.descending:
            return SQL("{} IS NOT NULL").format(part.expression)
        return SQL("false")
    placeholder = _typed(part, parameters.add(value))
    if part.descending:
        return SQL("{} < {}").format(part.expression, placeholder)
    if not part.nullable:
        return SQL("{} > {}").format(part.expression, placeholder)
    return SQL("({0} > {1} OR {0} IS NULL)").format(part.expression, placeholder)


def _equal(part: KeyPart, value: str | None, parameters: Parameters) -> Composable:
    if value is None:
        return SQL("{} IS NULL").format(part.expression)
    return SQL("{} = {}").format(part.expression, _typed(part, parameters.add(value)))


def _typed(part: KeyPart, placeholder: Composable) -> Composable:
    return placeholder if part.type is None else SQL("{}::{}").format(placeholder, part.type)
