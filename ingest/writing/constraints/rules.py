"""The constraints of a table, each as a query that finds the rows of a batch that break it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from psycopg.sql import SQL, Composable, Composed, Identifier

from ingest.catalog.definitions import (
    ASKABLE_TYPES,
    Check,
    Column,
    ForeignKey,
    Table,
    UniqueKey,
)
from ingest.outcome import RowError
from ingest.writing.constraints.by_value import INTEGER_TYPES, Identity, Lookup, Repetition
from ingest.writing.statements import PLACE, only, stored_rows

BATCH = Identifier("rowhouse batch")


@dataclass(frozen=True, slots=True)
class Rule:
    """One constraint as a query over the batch that returns the places of the rows breaking it."""

    columns: tuple[str, ...]  # what it reads
    query: Composed
    error: RowError
    key: UniqueKey | None = None  # that no two rows may have in common
    in_batch: bool = False  # the other row is one of the batch, not of the table
    refers_to: tuple[str, ...] = ()  # the columns that it looks for in the batch itself
    of_stored_row: bool = False  # PostgreSQL asks it of the row as it is after an update
    by_value: Lookup | Repetition | None = None  # the same, where a column's values answer it


@dataclass(frozen=True, slots=True)
class Question:
    """What a batch is asked: a row may have the key `arbiter` in common with another one.

    With `finds_stored` it is also asked which rows have it in common with the table.
    """

    arbiter: UniqueKey | None = None
    finds_stored: bool = False


INSERTS = Question()


def make_rules(table: Table, question: Question) -> list[Rule]:
    """Return a table's rules, those of its keys last."""
    arbiter = question.arbiter
    rules = [_check_rule(check) for check in table.checks]
    for column in table.columns:
        rules += [_domain_rule(column, check) for check in column.domain_checks or ()]
    rules += [_foreign_key_rule(table, key) for key in table.foreign_keys]
    for key in table.unique_keys:
        rules.append(_repeated_in_batch_rule(table, key))
        if key != arbiter:
            # Of a row whose arbiter cannot be read nobody knows which row it would update.
            read = key.reads + (arbiter.reads if arbiter else ())
            rules[-1] = replace(rules[-1], columns=read, of_stored_row=True)
            rules.append(known_to_table_rule(table, key, arbiter))
        elif question.finds_stored:
            rules.append(replace(known_to_table_rule(table, key, None), of_stored_row=False))
    return rules


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
    absent = SQL("NOT EXISTS (SELECT FROM {} AS referenced WHERE {})").format(
        _referenced_rows(key), match
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
    if key.guarded:  # PostgreSQL's own check sees every row
        broken = Composed([SQL("false")])
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
        refers_to=key.referenced if refers_to_itself else (),
        of_stored_row=True,
        by_value=None if refers_to_itself else _reference_lookup(table, key),
    )


def is_locked_by_value(table: Table, key: ForeignKey) -> bool:
    """Return whether what a row refers to can be locked by its value alone."""
    is_own = (key.schema, key.table) == (table.schema, table.name)
    columns = [table.by_name[name] for name in key.columns]
    is_given = not any(each.has_default or each.read_only for each in columns)
    lookup = _reference_lookup(table, key)
    return lookup is not None and not key.partitioned and not is_own and is_given


def _reference_lookup(table: Table, key: ForeignKey) -> Lookup | None:
    if key.value_type is None or key.guarded or table.clustered:
        return None
    return Lookup(
        column=key.columns[0],
        type=key.value_type,
        source=_referenced_rows(key),
        referenced=key.referenced[0],
        must_exist=True,
        identity=Identity(key.schema, key.table, key.table_oid),
    )


def _referenced_rows(key: ForeignKey) -> Composed:
    return SQL("{} {}").format(only(partitioned=key.partitioned), Identifier(key.schema, key.table))


def _repeated_in_batch_rule(table: Table, key: UniqueKey) -> Rule:
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
        in_batch=True,
        by_value=_repetition(table, key),
    )


def _repetition(table: Table, key: UniqueKey) -> Repetition | None:
    column = _only_column(table, key)
    is_integer = column is not None and column.base in INTEGER_TYPES
    return Repetition(column.name) if column is not None and is_integer else None


def _only_column(table: Table, key: UniqueKey) -> Column | None:
    """Return the column that is the whole key of all rows, None where there is no such column."""
    is_plain = key.plain and key.nulls_distinct and key.predicate is None
    return table.by_name[key.columns[0]] if is_plain and len(key.keys) == 1 else None


def known_to_table_rule(table: Table, key: UniqueKey, arbiter: UniqueKey | None) -> Rule:
    """Return the rule that no row of the table has the key of a row of the batch."""
    names = _key_names(key)
    equal = _equal_keys(key, names)
    others = Composed([])
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
        columns=key.reads + (arbiter.reads if arbiter else ()),
        query=_known_query(table).format(
            place=PLACE,
            given=_keys_of(key, BATCH, batch_columns),
            known=_keys_of(key, stored_rows(table), table_columns),
            equal=equal + others,
        ),
        error=RowError(
            code="duplicate_key",
            columns=key.columns,
            constraint=key.name,
            message=f"{table.full_name} already has this {', '.join(key.columns)}",
        ),
        key=key,
        of_stored_row=True,
        by_value=_key_lookup(table, key) if arbiter is None else None,
    )


def _key_lookup(table: Table, key: UniqueKey) -> Lookup | None:
    column = _only_column(table, key)
    if column is None or column.base not in ASKABLE_TYPES or table.clustered:
        return None
    return Lookup(
        column=column.name,
        type=column.base_type,
        source=stored_rows(table),
        referenced=column.name,
        must_exist=False,
    )


def _known_query(table: Table) -> SQL:
    if table.clustered:
        # A cluster cannot look into rows that are spread over its nodes for each row.
        return SQL(
            "SELECT DISTINCT given.{place} FROM ({given}) AS given"
            " JOIN ({known}) AS known ON {equal}"
        )
    # One look a row through the key's index: a join may read a table of a hundred thousand rows.
    return SQL(
        "SELECT given.{place} FROM ({given}) AS given"
        " CROSS JOIN LATERAL (SELECT FROM ({known}) AS known WHERE {equal} LIMIT 1) AS found"
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
