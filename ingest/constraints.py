"""Every violated constraint of every row of a batch, found by one set-based statement.

The errors PostgreSQL raises name one constraint of one row; these queries ask the data instead:
which rows break a check, refer to nothing, or have a key that the table or an earlier row of the
batch has.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog import Check, Column, ForeignKey, Table, UniqueKey
from ingest.outcome import RowError
from ingest.statements import (
    PLACE,
    execute_raw,
    only,
    read_batch,
    read_columns,
    stored_rows,
    text_source,
)

BATCH = Identifier("rowhouse batch")

# The first PostgreSQL that can try a value without raising an error; before, each row is tried.
INPUT_IS_VALID_SINCE = 160000


@dataclass(frozen=True, slots=True)
class Violation:
    """A row (by its place in the array that was checked) that breaks a rule of the table."""

    place: int
    rule: "Rule"
    group: int | None  # rows of the batch with equal keys have equal groups


@dataclass(frozen=True, slots=True)
class Rule:
    """One constraint as a query over the batch that returns the places of the rows breaking it."""

    columns: tuple[str, ...]  # what it reads
    query: Composed
    error: RowError
    key: UniqueKey | None = None  # of the rule "no two rows of the batch have the same key"
    refers_to_itself: bool = False
    of_stored_row: bool = False  # PostgreSQL asks it of the row as it is after an update


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
                rule for rule in self._make_rules(arbiter) if self._known.issuperset(rule.columns)
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
        rule = _known_to_table_rule(self._table, key, None)
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

    def _make_rules(self, arbiter: UniqueKey | None) -> list[Rule]:
        table = self._table
        rules = [_check_rule(check) for check in table.checks]
        for column in table.columns:
            rules += [_domain_rule(column, check) for check in column.domain_checks or ()]
        rules += [_foreign_key_rule(table, key) for key in table.foreign_keys]
        for key in table.unique_keys:
            rules.append(_repeated_in_batch_rule(key))
            if key != arbiter:
                rules[-1] = replace(rules[-1], of_stored_row=True)
                rules.append(_known_to_table_rule(table, key, arbiter))
        return rules


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


def _check_rule(check: Check) -> Rule:
    return Rule(
        columns=check.columns,
        query=SQL("SELECT {} FROM {} WHERE ({}) IS FALSE").format(
            PLACE,
            BATCH,
            SQL(check.expression),
        ),
        error=RowError(
            code="check_violation",
            column=_only(check.columns),
            columns=check.columns,
            constraint=check.name,
            message=f"breaks the rule {check.name}: {check.expression}",
        ),
    )


def _domain_rule(column: Column, check: Check) -> Rule:
    # A domain's rule speaks of VALUE, which here is the name of the column's values.
    return Rule(
        columns=(column.name,),
        query=SQL(
            "SELECT {} FROM (SELECT {}, {} AS value FROM {}) AS given WHERE ({}) IS FALSE"
        ).format(PLACE, PLACE, Identifier(column.name), BATCH, SQL(check.expression)),
        error=RowError(
            code="check_violation",
            column=column.name,
            constraint=check.name,
            message=f"{column.name} breaks the rule {check.name}: {check.expression}",
        ),
    )


def _foreign_key_rule(table: Table, key: ForeignKey) -> Rule:
    own = [SQL("{}.{}").format(BATCH, Identifier(name)) for name in key.columns]
    referenced = [SQL("referenced.{}").format(Identifier(name)) for name in key.referenced]
    match = _all(
        SQL("{} = {}").format(left, right) for left, right in zip(referenced, own, strict=True)
    )
    refers_to_itself = (key.schema, key.table) == (table.schema, table.name)
    absent = SQL("NOT EXISTS (SELECT FROM {} {} AS referenced WHERE {})").format(
        only(partitioned=key.partitioned), Identifier(key.schema, key.table), match
    )
    if refers_to_itself:
        absent += SQL(" AND NOT EXISTS (SELECT FROM {} AS referenced WHERE {})").format(
            BATCH, match
        )
    given = _all(SQL("{} IS NOT NULL").format(column) for column in own)
    broken = SQL("{} AND {}").format(given, absent)
    if key.match_full and len(own) > 1:
        partly = SQL("num_nulls({0}) BETWEEN 1 AND {1} - 1").format(
            SQL(", ").join(own),
            SQL(str(len(own))),
        )
        broken = SQL("({}) OR ({})").format(broken, partly)
    target = f"{key.schema}.{key.table}"
    return Rule(
        columns=key.columns,
        query=SQL("SELECT {} FROM {} WHERE {}").format(PLACE, BATCH, broken),
        error=RowError(
            code="fk_violation",
            column=_only(key.columns),
            columns=key.columns,
            constraint=key.name,
            message=f"{', '.join(key.columns)} is not in {target}",
        ),
        refers_to_itself=refers_to_itself,
        of_stored_row=True,
    )


def _repeated_in_batch_rule(key: UniqueKey) -> Rule:
    names = _key_names(key)
    listed = SQL(", ").join(names)
    keyed = _keys_of(key, BATCH, [PLACE])
    if key.nulls_distinct:
        # The cheaper way, and rows with a null key are never joined.
        query = SQL(
            "SELECT {place}, key_group FROM ({keyed}) AS keyed JOIN ("
            "SELECT min({place}) AS key_group, {keys} FROM ({keyed}) AS keyed"
            " GROUP BY {keys} HAVING count(*) > 1) AS repeated USING ({keys})"
        )
    else:
        query = SQL(
            "SELECT {place}, key_group FROM (SELECT {place},"
            " min({place}) OVER same AS key_group, count(*) OVER same AS rows_with_key"
            " FROM ({keyed}) AS keyed WINDOW same AS (PARTITION BY {keys})"
            ") AS counted WHERE rows_with_key > 1"
        )
    return Rule(
        columns=key.reads,
        query=query.format(place=PLACE, keys=listed, keyed=keyed),
        error=RowError(
            code="duplicate_in_batch",
            columns=key.columns,
            constraint=key.name,
            message=f"an earlier row of the batch has the same {', '.join(key.columns)}",
        ),
        key=key,
    )


def _known_to_table_rule(table: Table, key: UniqueKey, arbiter: UniqueKey | None) -> Rule:
    names = _key_names(key)
    equal = _equal_keys(key, names)
    others: Composable = SQL("")
    batch_columns: list[Composable] = [PLACE]
    table_columns: list[Composable] = []
    if arbiter is not None:
        # The row that is about to be updated may of course keep its other keys.
        arbiter_names = [Identifier(f"arbiter {place}") for place in range(len(arbiter.keys))]
        extra = [
            SQL("({}) AS {}").format(SQL(part), name)
            for part, name in zip(arbiter.keys, arbiter_names, strict=True)
        ]
        batch_columns += extra
        table_columns += extra
        others = SQL(" AND ({}) IS NOT TRUE").format(_equal_keys(arbiter, arbiter_names))
    return Rule(
        # Of a row whose arbiter cannot be read nobody knows which row it would update.
        columns=(*key.reads, *(arbiter.reads if arbiter else ())),
        query=SQL(
            "SELECT {} FROM ({}) AS given WHERE EXISTS (SELECT FROM ({}) AS known WHERE {}{})"
        ).format(
            PLACE,
            _keys_of(key, BATCH, batch_columns),
            _keys_of(key, stored_rows(table), table_columns),
            equal,
            others,
        ),
        error=RowError(
            code="duplicate_key",
            columns=key.columns,
            constraint=key.name,
            message=f"{table.full_name} already has this {', '.join(key.columns)}",
        ),
        of_stored_row=True,
    )


def _key_names(key: UniqueKey) -> list[Identifier]:
    return [Identifier(f"key {place}") for place in range(len(key.keys))]


def _keys_of(key: UniqueKey, source: Composable, others: Sequence[Composable]) -> Composed:
    keys = [
        SQL("({}) AS {}").format(SQL(part), name)
        for part, name in zip(key.keys, _key_names(key), strict=True)
    ]
    query = SQL("SELECT {} FROM {}").format(SQL(", ").join([*others, *keys]), source)
    if key.predicate:
        query += SQL(" WHERE {}").format(SQL(key.predicate))
    return query


def _equal_keys(key: UniqueKey, names: Iterable[Identifier]) -> Composed:
    equal = SQL("known.{0} = given.{0}")
    if not key.nulls_distinct:
        equal = SQL("(known.{0} = given.{0} OR (known.{0} IS NULL AND given.{0} IS NULL))")
    return _all(equal.format(name) for name in names)


def _all(conditions: Iterable[Composed]) -> Composed:
    return SQL(" AND ").join(conditions)


def _only(names: tuple[str, ...]) -> str | None:
    return names[0] if len(names) == 1 else None
