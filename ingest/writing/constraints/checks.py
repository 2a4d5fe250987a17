"""Every violated constraint of every row of a batch, found by one set-based statement.

The errors PostgreSQL raises name one constraint of one row; these queries ask the data instead:
which rows break a check, refer to nothing, or have a key that the table or an earlier row of the
batch has.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from psycopg import Connection
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege, UndefinedTable
from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog.definitions import Column, Table, UniqueKey
from ingest.payload.json_text import array_text
from ingest.validation.fields import Field
from ingest.validation.validated_rows import ValidatedRows
from ingest.writing.constraints.by_value import (
    Lookup,
    Repetition,
    Values,
    ask_values,
    find_places,
    find_repeated,
    lookup_statement,
)
from ingest.writing.constraints.rules import (
    BATCH,
    INSERTS,
    Question,
    Rule,
    is_locked_by_value,
    known_to_table_rule,
    make_rules,
)
from ingest.writing.statements import (
    PLACE,
    Statements,
    execute_raw,
    read_batch,
    read_columns,
    text_source,
)

# The first PostgreSQL that can try a value without raising an error; before, each row is tried.
INPUT_IS_VALID_SINCE = 160000

# A row's place, from 1, the number of the rule that it breaks, and its group.
Found = tuple[int, int, int | None]


class ReferenceMissing(Exception):
    """Some row refers to a row that cannot be seen, or not be locked."""


class Violation(NamedTuple):
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
    """The rules of one table, asked all at once."""

    def __init__(self, table: Table, fields: Sequence[Field] = ()) -> None:
        # The columns whose values only PostgreSQL can check.
        self._opaque = [each.column for each in fields if not each.adapter.exact]
        # The columns whose values arrays can hold as they came.
        self._scalars = frozenset(
            each.column.name
            for each in fields
            if each.adapter.exact and each.adapter.copied_as == "scalar"
        )
        # Whether what rows refer to can be locked by their values, and nothing else looks at them.
        self.can_lock_references = (
            bool(table.foreign_keys)
            and not table.watched
            and all(is_locked_by_value(table, key) for key in table.foreign_keys)
        )
        self._known = frozenset(column.name for column in table.columns if column.identity != "a")
        self._table = table
        self._rules: dict[Question, list[Rule]] = {}
        self._columns_read: dict[Question, tuple[Column, ...]] = {}
        self._statements = Statements()
        self._defaults = {
            column.name: column.constant_default
            for column in table.writable
            if column.constant_default is not None
        }

    @property
    def refers_to_itself(self) -> bool:
        """Whether rows may refer to rows of the same table, and so of the same batch."""
        return any(rule.refers_to for rule in self.rules(INSERTS))

    @property
    def need_value_checks(self) -> bool:
        """Whether some column's values are only PostgreSQL's to check."""
        return bool(self._opaque)

    @property
    def names_read(self) -> frozenset[str]:
        """The columns whose values alone answer all rules of rows that are only inserted."""
        return frozenset(column.name for column in self.columns_read(INSERTS))

    def rules(self, question: Question) -> list[Rule]:
        """Return the table's rules, as far as the values that they read can be known."""
        if question not in self._rules:
            self._rules[question] = [
                rule
                for rule in make_rules(self._table, question)
                if self._known.issuperset(rule.columns)
            ]
        return self._rules[question]

    def lacks_defaults(self, brought: Collection[str]) -> bool:
        """Return whether rows that bring these columns get defaults that the rules must know."""
        return bool(self._defaults) and not self._defaults.keys() <= set(brought)

    def count_known(self, connection: Connection, array: str, keys: Sequence[UniqueKey]) -> int:
        """Return how many rows of a JSON array have one of the keys in common with the table."""
        rules = [known_to_table_rule(self._table, key, None) for key in keys]
        batch = _batch_query(self._table, rules, self._defaults)
        known = [rule.query for rule in rules]
        statement = SQL("WITH {} AS MATERIALIZED ({}) SELECT count(*) FROM ({}) AS found").format(
            BATCH, batch, SQL(" UNION ").join(known)
        )
        (count,) = execute_raw(connection, statement, [array], replan=True).fetchall()[0]
        return int(count)

    def columns_read(self, question: Question) -> tuple[Column, ...]:
        """Return the columns whose values alone answer all rules; none where whole rows do."""
        if question not in self._columns_read:
            rules = self.rules(question)
            columns = self._find_columns(rules)
            is_enough = all(rule.columns for rule in rules)
            is_enough = is_enough and self._scalars.issuperset(each.name for each in columns)
            self._columns_read[question] = columns if is_enough else ()
        return self._columns_read[question]

    def _find_columns(self, rules: Sequence[Rule]) -> tuple[Column, ...]:
        read = {name for rule in rules for name in rule.columns + rule.refers_to}
        return tuple(column for column in self._table.columns if column.name in read)

    def find_violations(
        self, connection: Connection, array: str, question: Question, *, fill: bool
    ) -> list[Violation]:
        """Return every broken rule of every row of a JSON array, ordered by place and rule.

        `fill` is needed where `lacks_defaults`.
        """
        rules = self.rules(question)
        if not rules:
            return []
        defaults = self._defaults if fill else {}
        statement = self._statements.text(
            connection,
            (question, "filled rows" if fill else "rows"),
            lambda: _find_broken(
                list(enumerate(rules)), _batch_query(self._table, rules, defaults)
            ),
        )
        found = execute_raw(connection, statement, [array], replan=True).fetchall()
        return _name_rules(found, rules)

    def find_violations_by_column(
        self, connection: Connection, values: Values, question: Question, *, locking: bool
    ) -> list[Violation] | None:
        """Return the same for rows given by `columns_read`, None where only whole rows will do.

        With `locking` what the rows refer to is locked until the commit.
        """
        rules = self.rules(question)
        asked = [each for each in enumerate(rules) if each[1].by_value is None]
        columns = self._find_columns([rule for _, rule in asked])
        arrays = [array for column in columns if (array := array_text(values[column.name]))]
        if len(arrays) < len(columns):
            return None
        found = self._look_up(connection, values, question, locking=locking)
        if asked:
            statement = self._statements.text(
                connection,
                (question, "columns"),
                lambda: _find_broken(asked, read_columns(columns)),
            )
            found += execute_raw(connection, statement, arrays, replan=True).fetchall()
        return _name_rules(sorted(found, key=itemgetter(0, 1)), rules)

    def _look_up(
        self, connection: Connection, values: Values, question: Question, *, locking: bool
    ) -> list[Found]:
        """Find the rows that break rules which a column's values answer."""
        found: list[Found] = []
        numbers, lookups = [], []
        for number, rule in enumerate(self.rules(question)):
            if isinstance(rule.by_value, Repetition):
                repeated = find_repeated(values[rule.by_value.column])
                found += [(place, number, integer) for place, integer in repeated]
            elif rule.by_value is not None:
                numbers.append(number)
                lookups.append(rule.by_value)
        if lookups:
            statement = self._statements.text(
                connection,
                (question, "locked values" if locking else "values"),
                lambda: lookup_statement(lookups, locking=locking),
            )
            wanted = [list(set(values[lookup.column]) - {None}) for lookup in lookups]
            failing = ask_values(connection, statement, lookups, wanted)
            for number, lookup, fail in zip(numbers, lookups, failing, strict=True):
                places = find_places(values[lookup.column], set(fail))
                found += [(place, number, None) for place in places]
        return found

    def lock_references(self, connection: Connection, rows: ValidatedRows) -> None:
        """Lock what rows refer to until the commit, where `can_lock_references`.

        Raises `ReferenceMissing` where something is not there or is not for this role to lock: the
        rows are to be written where PostgreSQL checks them.
        """
        lookups = [
            rule.by_value
            for rule in self.rules(INSERTS)
            if isinstance(rule.by_value, Lookup)
            and rule.by_value.must_exist
            and rule.by_value.column in rows.columns
        ]
        values = [list(rows.values.distinct(lookup.column)) for lookup in lookups]
        if not any(values):
            return
        statement = self._statements.text(
            connection,
            ("references", *(lookup.column for lookup in lookups)),
            lambda: lookup_statement(lookups, locking=True),
        )
        try:
            failing = ask_values(connection, statement, lookups, values)
        except (InsufficientPrivilege, FeatureNotSupported, UndefinedTable) as error:
            raise ReferenceMissing from error
        if any(failing):
            raise ReferenceMissing

    def find_bad_values(self, connection: Connection, array: str) -> list[BadValue]:
        """Return the values that PostgreSQL's own types refuse, among those it alone can check."""
        if not self._opaque or connection.info.server_version < INPUT_IS_VALID_SINCE:
            return []
        found = execute_raw(connection, _bad_values_query(self._opaque), [array]).fetchall()
        return [
            BadValue(place, self._opaque[number].name, message) for place, number, message in found
        ]


def _name_rules(found: Iterable[Found], rules: Sequence[Rule]) -> list[Violation]:
    return [Violation(place, rules[number], group) for place, number, group in found]


def _find_broken(rules: Sequence[tuple[int, Rule]], batch: Composed) -> Composed:
    parts = [
        SQL("SELECT {}, {}, {} FROM ({}) AS broken").format(
            PLACE,
            SQL(str(number)),
            _group_of(rule),
            rule.query,
        )
        for number, rule in rules
    ]
    return SQL("WITH {} AS MATERIALIZED ({}) {} ORDER BY 1, 2").format(
        BATCH, batch, SQL(" UNION ALL ").join(parts)
    )


def _batch_query(table: Table, rules: Iterable[Rule], defaults: Mapping[str, str]) -> Composed:
    """Return a SELECT of the batch's rows with the generated columns that the rules read."""
    batch = read_batch(table.writable, defaults)
    read = [rule.columns + rule.refers_to for rule in rules]
    is_whole = not all(read)
    names = {name for columns in read for name in columns}
    generated = [
        SQL("({}) AS {}").format(SQL(column.generated), Identifier(column.name))
        for column in table.columns
        if column.generated is not None and (is_whole or column.name in names)
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
    return SQL("key_group") if rule.in_batch else SQL("NULL::bigint")
