"""The rows of a difference that today's constraints do not take, counted reason by reason."""

from collections.abc import Iterator, Mapping, Sequence

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier

from backups.restore.inplace.difference import Difference
from backups.restore.inplace.file_rows import FileRows
from backups.restore.inplace.table import ForeignKey, UniqueIndex, join_columns
from backups.restore.plan import Misfit
from backups.tables.catalog import fetch_int
from backups.tables.ddl import raw_sql

_AFTER = SQL("rowhouse_image = 'after'")


def find_repeated_keys(
    connection: Connection, difference: Difference, file: FileRows
) -> Iterator[Misfit]:
    """Yield whether the file's rows have a value of the table's key more than once."""
    if not difference.key:
        return
    repeated = SQL(
        "SELECT coalesce(sum(n - 1), 0) FROM"
        " (SELECT count(*) AS n FROM {} GROUP BY {} HAVING count(*) > 1) repeated"
    ).format(file.table, join_columns(difference.key))
    rows = fetch_int(connection, repeated)
    if rows:
        yield Misfit(f"{', '.join(difference.key)} is unique now", rows)


def find_bad_rows(connection: Connection, difference: Difference) -> Iterator[Misfit]:
    """Yield why rows break NOT NULL or a check; take them out of the difference.

    Checks are asked of rows without missing values, as PostgreSQL asks them.
    """
    for rules in (_not_null_rules(difference), _check_rules(difference)):
        yield from _find_breaches(connection, difference, list(rules))


def _find_breaches(
    connection: Connection, difference: Difference, rules: Sequence[tuple[str, Composable]]
) -> Iterator[Misfit]:
    """Count what each rule (a reason, a condition of bad rows) finds, in one pass over the rows."""
    if not rules:
        return
    counts = [SQL("count(*) FILTER (WHERE {})").format(condition) for _, condition in rules]
    statement = SQL("SELECT {} FROM {} WHERE {}").format(
        SQL(", ").join(counts), difference.relation, _AFTER
    )
    found: Sequence[int] = connection.execute(statement).fetchone()  # type: ignore[assignment]
    for (reason, condition), rows in zip(rules, found, strict=True):
        if rows:
            yield Misfit(reason, rows)
            where = SQL("{} AND ({})").format(_AFTER, condition)
            connection.execute(SQL("DELETE FROM {} WHERE {}").format(difference.relation, where))


def _not_null_rules(difference: Difference) -> Iterator[tuple[str, Composable]]:
    for name, column in difference.table.columns.items():
        if column.not_null:
            yield f"{name} is null", SQL("{} IS NULL").format(Identifier(name))


def _check_rules(difference: Difference) -> Iterator[tuple[str, Composable]]:
    for check in difference.table.facts.checks:
        if set(check.columns) <= set(difference.table.columns):
            condition = SQL("NOT ({})").format(raw_sql(check.expression))
            yield f"{check.name}: {check.definition}", condition


def find_broken_constraints(
    connection: Connection, differences: Mapping[str, Difference]
) -> Iterator[tuple[str, Misfit]]:
    """Yield (table, why) for what the changed rows break that no trigger has checked.

    Foreign keys in both directions, and deferrable keys; all tables must have been changed.
    """
    for name, difference in differences.items():
        for key in difference.table.facts.foreign_keys:
            for statement, reason in _foreign_key_questions(key, difference):
                rows = fetch_int(connection, statement)
                if rows:
                    yield name, Misfit(reason, rows)
        for index in difference.table.facts.indexes:
            if index.is_deferrable and index.columns:
                rows = fetch_int(connection, _repeated(difference, index))
                if rows:
                    yield name, Misfit(f"{index.name}: other rows have their values", rows)


def _foreign_key_questions(
    key: ForeignKey, difference: Difference
) -> Iterator[tuple[Composed, str]]:
    """Yield SELECTs of how many rows refer to nothing."""
    child, parent = Identifier(*key.referencing), Identifier(*key.referenced)
    referenced = ".".join(key.referenced)
    refers_to_nothing = SQL("{} AND NOT EXISTS (SELECT FROM {} p WHERE {})").format(
        _is_reference(key), parent, _equal("p", key.referenced_columns, "c", key)
    )
    count = SQL("SELECT count(*) FROM {} c WHERE {}")
    is_of_partition = not key.is_own and not key.leads_here
    if key.is_own or (is_of_partition and key.is_valid):
        rows = child if is_of_partition else difference.relation
        where = refers_to_nothing if is_of_partition else _and(refers_to_nothing, _AFTER)
        yield count.format(rows, where), f"{key.name}: they refer to no row of {referenced}"
    if key.leads_here:
        lost = SQL("EXISTS (SELECT FROM {} p WHERE p.rowhouse_image = 'before' AND {})").format(
            difference.relation, _equal("p", key.referenced_columns, "c", key)
        )
        yield (
            count.format(child, _and(lost, refers_to_nothing)),
            f"{key.name}: rows of {'.'.join(key.referencing)} refer to rows that would be gone",
        )


def _is_reference(key: ForeignKey) -> Composed:
    if key.is_full:
        return SQL("NOT (ROW({}) IS NULL)").format(join_columns(key.referencing_columns, "c"))
    return SQL(" AND ").join(
        SQL("c.{} IS NOT NULL").format(Identifier(name)) for name in key.referencing_columns
    )


def _equal(parent: str, columns: tuple[str, ...], child: str, key: ForeignKey) -> Composed:
    return SQL(" AND ").join(
        SQL("{} = {}").format(Identifier(parent, there), Identifier(child, here))
        for there, here in zip(columns, key.referencing_columns, strict=True)
    )


def _and(*conditions: Composable) -> Composed:
    return SQL(" AND ").join(conditions)


def _repeated(difference: Difference, index: UniqueIndex) -> Composed:
    """Return a SELECT of how many rows meet another one in a deferrable key or exclusion."""
    operators = index.operators or ("=",) * len(index.columns)
    meets = SQL(" AND ").join(
        SQL("a.{0} {1} b.{0}").format(Identifier(name), raw_sql(_operator(operator)))
        for name, operator in zip(index.columns, operators, strict=True)
    )
    return SQL(
        "SELECT count(*) FROM {d} a WHERE a.rowhouse_image = 'after'"
        " AND (SELECT count(*) FROM {t} b WHERE {meets}) > 1"
    ).format(d=difference.relation, t=difference.table.identifier, meets=meets)


def _operator(signature: str) -> str:
    """Return the operator of a signature such as &&(box,box), its schema with it."""
    name = signature.partition("(")[0]
    schema, dot, symbol = name.rpartition(".")
    return f"OPERATOR({schema}.{symbol})" if dot else name
