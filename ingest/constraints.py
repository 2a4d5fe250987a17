"""Every violated constraint of every row of a batch, found by one set-based statement.

The errors PostgreSQL raises name one constraint of one row; these queries ask the data instead:
which rows break a check, refer to nothing, or have a key that the table or an earlier row of the
batch has.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog import Column, Table, UniqueKey
from ingest.statements import PLACE, execute_raw, read_batch, read_columns, text_source
from ingest.table_rules import BATCH, Rule, known_to_table_rule, make_rules

# The first PostgreSQL that can try a value without raising an error; before, each row is tried.
INPUT_IS_VALID_SINCE = 160000


@dataclass(frozen=True, slots=True)
class Violation:
    """A row (by its place in the array that was checked) that breaks a rule of the table."""

    place: int
    rule: Rule
    group: int | None  # rows of the batch with equal keys have equal groups


class BadValue(NamedTuple):
    """A value, by its row's place in the array and its column, and PostgreSQL's words on it."""

    place: int
    column: str
    message: str


class ConstraintChecks:
    """The rules of one table, asked all at once.

    `judged` are the columns whose values only PostgreSQL can judge, `scalars` the names of those
    whose values arrays can hold as they came.
    """

    def __init__(
        self, table: Table, judged: Sequence[Column] = (), scalars: Collection[str] = ()
    ) -> None:
        self._judged = judged
        self._scalars = frozenset(scalars)
        self._known = frozenset(column.name for column in table.columns if column.identity != "a")
        self._table = table
        self._rules: dict[UniqueKey | None, list[Rule]] = {}
        self._columns_read: dict[UniqueKey | None, tuple[Column, ...]] = {}
        # Composed once: putting a statement together costs more than sending it.
        self._statements: dict[tuple[UniqueKey | None, str], LiteralString] = {}
        self._writable = frozenset(column.name for column in table.writable)
        self._generated = frozenset(c.name for c in table.columns if c.generated is not None)
        self._defaults = {
            column.name: column.constant_default
            for column in table.writable
            if column.constant_default is not None
        }
        self._unforeseen = frozenset(
            column.name
            for column in table.writable
            if column.has_default and column.name not in self._defaults
        )

    @property
    def refers_to_itself(self) -> bool:
        """Whether rows may refer to rows of the same table, and so of the same batch."""
        return any(rule.refers_to_itself for rule in self.rules(None))

    @property
    def are_judging(self) -> bool:
        """Whether some column's values are only PostgreSQL's to judge."""
        return bool(self._judged)

    def rules(self, arbiter: UniqueKey | None) -> list[Rule]:
        """Return the table's rules; a row may have the key `arbiter` in common with the table."""
        if arbiter not in self._rules:
            self._rules[arbiter] = [
                rule
                for rule in make_rules(self._table, arbiter)
                if self._known.issuperset(rule.columns)
            ]
        return self._rules[arbiter]

    def lacks_defaults(self, brought: Collection[str]) -> bool:
        """Return whether rows that bring these columns get defaults that the rules must know."""
        return not self._defaults.keys() <= set(brought)

    def find_uncertain(self, brought: Collection[str], bad: Collection[str]) -> frozenset[str]:
        """Return the columns of whose values nobody knows what they will be in the table.

        `brought` are the columns a row brings, `bad` those whose values it brought are refused.
        """
        uncertain = self._unforeseen.difference(brought).union(bad)
        return uncertain | self._generated if uncertain else uncertain

    def find_absent(self, brought: Collection[str]) -> frozenset[str]:
        """Return the columns that a row leaves out, and what is computed from them."""
        absent = self._writable.difference(brought)
        return absent | self._generated if absent else absent

    def count_known(self, connection: Connection, array: str, key: UniqueKey) -> int:
        """Return how many rows of a JSON array have a key that the table has."""
        batch = _batch_query(self._table, self._defaults)
        rule = known_to_table_rule(self._table, key, None)
        statement = SQL("WITH {} AS MATERIALIZED ({}) SELECT count(*) FROM ({}) AS found").format(
            BATCH, batch, rule.query
        )
        (count,) = execute_raw(connection, statement, [array], replan=True).fetchall()[0]
        return int(count)

    def columns_read(self, arbiter: UniqueKey | None) -> tuple[Column, ...]:
        """Return the columns whose values alone answer all rules; none where whole rows do."""
        if arbiter not in self._columns_read:
            self._columns_read[arbiter] = self._find_columns_read(self.rules(arbiter))
        return self._columns_read[arbiter]

    def _find_columns_read(self, rules: Sequence[Rule]) -> tuple[Column, ...]:
        read = {name for rule in rules for name in rule.columns}
        columns = tuple(column for column in self._table.columns if column.name in read)
        if all(rule.columns for rule in rules) and self._scalars.issuperset(read):
            return columns
        return ()

    def find_violations(
        self, connection: Connection, array: str, arbiter: UniqueKey | None, *, fill: bool
    ) -> list[Violation]:
        """Return every broken rule of every row of a JSON array, ordered by place.

        `fill` is needed where `lacks_defaults`.
        """
        defaults = self._defaults if fill else {}
        form = "filled rows" if fill else "rows"
        return self._ask(
            connection, form, lambda: _batch_query(self._table, defaults), [array], arbiter
        )

    def find_violations_by_column(
        self, connection: Connection, arrays: Sequence[str], arbiter: UniqueKey | None
    ) -> list[Violation]:
        """Return the same for rows given by `columns_read`, each as the text of an array."""
        columns = self.columns_read(arbiter)
        return self._ask(connection, "columns", lambda: read_columns(columns), arrays, arbiter)

    def _ask(
        self,
        connection: Connection,
        form: str,
        compose_batch: Callable[[], Composed],
        values: Sequence[str],
        arbiter: UniqueKey | None,
    ) -> list[Violation]:
        rules = self.rules(arbiter)
        if not rules:
            return []
        statement = self._statements.get((arbiter, form))
        if statement is None:
            statement = _find_broken(rules, compose_batch()).as_string(connection)
            self._statements[arbiter, form] = statement
        found = execute_raw(connection, statement, values, replan=True).fetchall()
        return [Violation(place, rules[number], group) for place, number, group in found]

    def find_bad_values(self, connection: Connection, array: str) -> list[BadValue]:
        """Return the values that PostgreSQL's own types refuse, among those it alone can judge."""
        if not self._judged or connection.info.server_version < INPUT_IS_VALID_SINCE:
            return []
        found = execute_raw(connection, _bad_values_query(self._judged), [array]).fetchall()
        return [
            BadValue(place, self._judged[number].name, message) for place, number, message in found
        ]


def _find_broken(rules: Sequence[Rule], batch: Composed) -> Composed:
    parts = [
        SQL("SELECT {}, {}, {} FROM ({}) AS broken").format(
            PLACE,
            SQL(str(number)),
            _group_of(rule),
            rule.query,
        )
        for number, rule in enumerate(rules)
    ]
    return SQL("WITH {} AS MATERIALIZED ({}) {} ORDER BY 1, 2").format(
        BATCH, batch, SQL(" UNION ALL ").join(parts)
    )


def _batch_query(table: Table, defaults: Mapping[str, str]) -> Composed:
    batch = read_batch(table.writable, defaults)
    generated = [
        SQL("({}) AS {}").format(SQL(column.generated), Identifier(column.name))
        for column in table.columns
        if column.generated is not None
    ]
    if not generated:
        return batch
    expressions = SQL(", ").join(generated)
    return SQL("SELECT *, {} FROM ({}) AS given").format(expressions, batch)


def _bad_values_query(columns: Sequence[Column]) -> Composed:
    candidates = SQL(", ").join(
        SQL("({}, {}, {})").format(SQL(str(number)), Identifier(column.name), column.base_type)
        for number, column in enumerate(columns)
    )
    return SQL(
        "SELECT {place}, one.number, (pg_input_error_info(one.given, one.type)).message"
        " FROM {source} CROSS JOIN LATERAL (VALUES {candidates}) AS one (number, given, type)"
        " WHERE NOT pg_input_is_valid(one.given, one.type)"
    ).format(place=PLACE, source=text_source(columns), candidates=candidates)


def _group_of(rule: Rule) -> Composable:
    return SQL("key_group") if rule.key else SQL("NULL::bigint")
