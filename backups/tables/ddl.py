"""The statements that create a table again from its definition.

Definitions do not name their own schema: run them with search_path set to the schema the table is
created in, then the one it came from.
"""

import re
from collections.abc import Iterator

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from backups.tables.definition import (
    ColumnDefinition,
    ConstraintDefinition,
    PartitionDefinition,
    SequenceDefinition,
    TableDefinition,
)

_PLAIN_KEY = re.compile(r"(?:PRIMARY KEY|UNIQUE) (\([^()]*\))")


def raw_sql(text: str) -> SQL:
    """Return SQL that PostgreSQL's catalog functions wrote, with all names quoted."""
    return SQL(text)


def create_table(definition: TableDefinition, schema: str) -> Composed:
    """Return CREATE TABLE with columns, checks and identity, without keys and indexes."""
    parts: list[Composable] = [_column(definition, column, schema) for column in definition.columns]
    parts += [
        SQL("CONSTRAINT {} {}").format(Identifier(constraint.name), raw_sql(constraint.definition))
        for constraint in definition.constraints
        if constraint.kind == "c" and constraint.is_valid
    ]
    statement = SQL("CREATE {}TABLE {} ({})").format(
        SQL("UNLOGGED " if definition.unlogged else ""),
        Identifier(schema, definition.table),
        SQL(", ").join(parts),
    )
    if definition.partition_key:
        return statement + SQL(" PARTITION BY {}").format(raw_sql(definition.partition_key))
    if definition.options:
        return statement + SQL(" WITH ({})").format(raw_sql(", ".join(definition.options)))
    return statement


def create_partition(
    definition: TableDefinition, partition: PartitionDefinition, schema: str
) -> Composed:
    """Return CREATE TABLE of a partition that is attached later."""
    statement = SQL(
        "CREATE TABLE {} (LIKE {} INCLUDING GENERATED INCLUDING DEFAULTS INCLUDING"
        " CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)"
    ).format(Identifier(schema, partition.table), Identifier(schema, definition.table))
    if partition.partition_key:
        statement += SQL(" PARTITION BY {}").format(raw_sql(partition.partition_key))
    return statement


def attach_partition(partition: PartitionDefinition, schema: str) -> Composed:
    """Return the statement that makes a table a partition."""
    return SQL("ALTER TABLE {} ATTACH PARTITION {} {}").format(
        Identifier(schema, partition.parent),
        Identifier(schema, partition.table),
        raw_sql(partition.bound),
    )


def create_sequence(sequence: SequenceDefinition, schema: str) -> Composed:
    """Return CREATE SEQUENCE of a serial column's sequence."""
    return SQL("CREATE SEQUENCE {} AS {} {}").format(
        Identifier(schema, sequence.name), raw_sql(sequence.type), _sequence_options(sequence)
    )


def own_sequence(sequence: SequenceDefinition, schema: str, table: str) -> Composed:
    """Return the statement that makes a serial column own its sequence."""
    return SQL("ALTER SEQUENCE {} OWNED BY {}").format(
        Identifier(sequence.name), Identifier(schema, table, sequence.column)
    )


def create_indexes(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield what builds indexes, also those of plain keys, while the table may be read."""
    table = Identifier(schema, definition.table)
    for constraint in definition.constraints:
        columns, name = _index_columns(definition, constraint), Identifier(constraint.name)
        if columns:
            yield SQL("CREATE UNIQUE INDEX {} ON {} {}").format(name, table, raw_sql(columns))
    for index in definition.indexes:
        # A partitioned table's index is written as one that its partitions would not get.
        yield SQL("{}").format(raw_sql(index.definition.replace(" ON ONLY ", " ON ", 1)))


def add_constraints(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield what adds primary keys, unique and exclusion constraints, and checks not validated."""
    for constraint in definition.constraints:
        table = Identifier(schema, definition.table)
        name = Identifier(constraint.name)
        if _index_columns(definition, constraint):
            kind = SQL("PRIMARY KEY" if constraint.kind == "p" else "UNIQUE")
            add = SQL("ALTER TABLE {0} ADD CONSTRAINT {1} {2} USING INDEX {1}")
            yield add.format(table, name, kind)
        elif constraint.kind in {"p", "u", "x"} or (
            constraint.kind == "c" and not constraint.is_valid
        ):
            yield _add_constraint(table, constraint.name, constraint.definition)


def _index_columns(definition: TableDefinition, constraint: ConstraintDefinition) -> str | None:
    """Return the columns of a constraint that can be added USING INDEX, None for any other."""
    match = _PLAIN_KEY.fullmatch(constraint.definition)
    if match is None or constraint.kind not in {"p", "u"} or definition.partition_key:
        return None
    return match[1]


def add_foreign_keys(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield what adds foreign keys, not validated where PostgreSQL can do that later."""
    for constraint in definition.constraints:
        if constraint.kind == "f":
            add = _add_constraint(
                Identifier(schema, definition.table), constraint.name, constraint.definition
            )
            is_later = _is_validated_later(definition, constraint)
            yield add + SQL(" NOT VALID") if is_later else add


def validate_foreign_keys(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield what checks the rows against the foreign keys that were added before."""
    for constraint in definition.constraints:
        if constraint.kind == "f" and _is_validated_later(definition, constraint):
            yield SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
                Identifier(schema, definition.table), Identifier(constraint.name)
            )


def _is_validated_later(definition: TableDefinition, constraint: ConstraintDefinition) -> bool:
    return definition.partition_key is None and constraint.is_valid


def describe_table(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield the comments and triggers of the table."""
    table = Identifier(schema, definition.table)
    comments = [
        (SQL("TABLE {}").format(table), definition.comment),
        *(
            (SQL("COLUMN {}").format(Identifier(schema, definition.table, one.name)), one.comment)
            for one in definition.columns
        ),
        *(
            (SQL("CONSTRAINT {} ON {}").format(Identifier(one.name), table), one.comment)
            for one in definition.constraints
        ),
        *(
            (SQL("INDEX {}").format(Identifier(schema, one.name)), one.comment)
            for one in definition.indexes
        ),
    ]
    for target, comment in comments:
        if comment is not None:
            yield SQL("COMMENT ON {} IS {}").format(target, Literal(comment))
    for trigger in definition.triggers:
        yield SQL("{}").format(raw_sql(trigger.definition))
        if trigger.enabled != "O":
            state = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}[trigger.enabled]
            yield SQL("ALTER TABLE {} {} TRIGGER {}").format(
                table, raw_sql(state), Identifier(trigger.name)
            )


def change_owner(definition: TableDefinition, roles: set[str]) -> Iterator[Composed]:
    """Yield what gives table and partitions their owner, or the current user where it is gone."""
    owner: Composable = SQL("CURRENT_USER")
    if definition.owner in roles:
        owner = Identifier(definition.owner)
    for name in (definition.table, *(partition.table for partition in definition.partitions)):
        table = Identifier(definition.schema, name)
        yield SQL("ALTER TABLE {} OWNER TO {}").format(table, owner)


def grant_privileges(
    definition: TableDefinition, schema: str, roles: set[str]
) -> Iterator[Composed]:
    """Yield what grants the roles that exist what they had; nobody else has any privilege."""
    table = Identifier(schema, definition.table)
    owner = definition.owner if definition.owner in roles else None
    if owner is not None:
        yield SQL("REVOKE ALL ON {} FROM {}").format(table, Identifier(owner))
    for grant in definition.privileges:
        if grant.role is not None and grant.role not in roles:
            continue
        privilege: Composable = raw_sql(grant.privilege)
        if grant.column is not None:
            privilege = SQL("{} ({})").format(privilege, Identifier(grant.column))
        role = SQL("PUBLIC") if grant.role is None else Identifier(grant.role)
        grantable = SQL(" WITH GRANT OPTION" if grant.grantable and grant.role != owner else "")
        yield SQL("GRANT {} ON {} TO {}{}").format(privilege, table, role, grantable)
    for sequence in definition.sequences:
        for grant in sequence.privileges:
            if grant.role in roles:
                yield SQL("GRANT {} ON SEQUENCE {} TO {}").format(
                    raw_sql(grant.privilege),
                    Identifier(schema, sequence.name),
                    Identifier(str(grant.role)),
                )


def _add_constraint(table: Identifier, name: str, definition: str) -> Composed:
    return SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
        table, Identifier(name), raw_sql(definition)
    )


def _column(definition: TableDefinition, column: ColumnDefinition, schema: str) -> Composed:
    parts: list[Composable] = [Identifier(column.name), raw_sql(column.type)]
    if column.storage:
        parts += [SQL("STORAGE"), raw_sql(column.storage)]
    if column.collation:
        parts += [SQL("COLLATE"), raw_sql(column.collation)]
    if column.not_null:
        parts.append(SQL("NOT NULL"))
    if column.generated is not None:
        kind = SQL("VIRTUAL" if column.virtual else "STORED")
        parts.append(SQL("GENERATED ALWAYS AS ({}) {}").format(raw_sql(column.generated), kind))
    elif column.identity:
        kind = SQL("ALWAYS" if column.identity == "a" else "BY DEFAULT")
        parts.append(SQL("GENERATED {} AS IDENTITY").format(kind))
        parts += [
            SQL("(SEQUENCE NAME {} {})").format(
                Identifier(schema, sequence.name), _sequence_options(sequence)
            )
            for sequence in definition.sequences
            if sequence.identity and sequence.column == column.name
        ]
    elif column.default is not None:
        parts += [SQL("DEFAULT"), raw_sql(column.default)]
    return SQL(" ").join(parts)


def _sequence_options(sequence: SequenceDefinition) -> Composed:
    return SQL("START {} INCREMENT {} MINVALUE {} MAXVALUE {} CACHE {} {}").format(
        Literal(sequence.start),
        Literal(sequence.increment),
        Literal(sequence.minimum),
        Literal(sequence.maximum),
        Literal(sequence.cache),
        SQL("CYCLE" if sequence.cycle else "NO CYCLE"),
    )
