"""The statements that make a table again from its definition.

Definitions do not name their own schema: run them with search_path set to the schema the table is
made in, then the one it came from.
"""

import re
from collections.abc import Iterator

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from backups.tables.definition import (
    ColumnDefinition,
    KeyDefinition,
    PartitionDefinition,
    SequenceDefinition,
    TableDefinition,
)

# How the definition of a constraint ends that rows may break.
UNCHECKED = ("NOT VALID", "NOT ENFORCED")

_PLAIN_KEY = re.compile(r"(?:PRIMARY KEY|UNIQUE) (\([^()]*\))")


def written(text: str) -> SQL:
    """Return SQL as PostgreSQL itself wrote it into a definition."""
    return SQL(text)


def create_table(definition: TableDefinition, schema: str) -> Composed:
    """Return CREATE TABLE with columns, checks and identity, without keys and indexes."""
    parts: list[Composable] = [_column(definition, column, schema) for column in definition.columns]
    parts += [
        SQL("CONSTRAINT {} {}").format(Identifier(key.name), written(key.definition))
        for key in definition.keys
        if key.kind == "c" and not key.definition.endswith(UNCHECKED)
    ]
    statement = SQL("CREATE {}TABLE {} ({})").format(
        SQL("UNLOGGED " if definition.unlogged else ""),
        Identifier(schema, definition.table),
        SQL(", ").join(parts),
    )
    if definition.partition_key:
        return statement + SQL(" PARTITION BY {}").format(written(definition.partition_key))
    if definition.options:
        return statement + SQL(" WITH ({})").format(written(", ".join(definition.options)))
    return statement


def create_leaf(definition: TableDefinition, leaf: PartitionDefinition, schema: str) -> Composed:
    """Return CREATE TABLE of a partition that is attached later."""
    statement = SQL(
        "CREATE TABLE {} (LIKE {} INCLUDING GENERATED INCLUDING DEFAULTS INCLUDING"
        " CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)"
    ).format(Identifier(schema, leaf.table), Identifier(schema, definition.table))
    if leaf.partition_key:
        statement += SQL(" PARTITION BY {}").format(written(leaf.partition_key))
    return statement


def attach_leaf(leaf: PartitionDefinition, schema: str) -> Composed:
    """Return the statement that makes a table a partition."""
    return SQL("ALTER TABLE {} ATTACH PARTITION {} {}").format(
        Identifier(schema, leaf.parent), Identifier(schema, leaf.table), written(leaf.bound)
    )


def create_sequence(sequence: SequenceDefinition, schema: str) -> Composed:
    """Return CREATE SEQUENCE of a serial column's sequence."""
    return SQL("CREATE SEQUENCE {} AS {} {}").format(
        Identifier(schema, sequence.name), written(sequence.type), _sequence_options(sequence)
    )


def own_sequence(sequence: SequenceDefinition, schema: str, table: str) -> Composed:
    """Return the statement that ties a serial column's sequence to the column."""
    return SQL("ALTER SEQUENCE {} OWNED BY {}").format(
        Identifier(sequence.name), Identifier(schema, table, sequence.column)
    )


def create_indexes(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield what builds indexes, also those of plain keys, while others may read the table."""
    for key in definition.keys:
        columns = plain_key_columns(definition, key)
        if columns:
            yield SQL("CREATE UNIQUE INDEX {} ON {} {}").format(
                Identifier(key.name), Identifier(schema, definition.table), written(columns)
            )
    for index in definition.indexes:
        # A partitioned table's index is written as one that its partitions would not get.
        yield SQL("{}").format(written(index.definition.replace(" ON ONLY ", " ON ", 1)))


def add_keys(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield what makes primary keys, unique and exclusion constraints, and unchecked checks."""
    for key in definition.keys:
        table = Identifier(schema, definition.table)
        name = Identifier(key.name)
        if plain_key_columns(definition, key):
            kind = SQL("PRIMARY KEY" if key.kind == "p" else "UNIQUE")
            yield SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}").format(
                table, name, kind, name
            )
        elif key.kind in {"p", "u", "x"} or (
            key.kind == "c" and key.definition.endswith(UNCHECKED)
        ):
            yield SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                table, name, written(key.definition)
            )


def plain_key_columns(definition: TableDefinition, key: KeyDefinition) -> str | None:
    """Return the columns of a key that can be made of an index, None for any other."""
    match = _PLAIN_KEY.fullmatch(key.definition)
    if match is None or key.kind not in {"p", "u"} or definition.partition_key:
        return None
    return match[1]


def add_foreign_keys(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield what adds foreign keys; writers of the referenced tables are hardly held up."""
    for key in definition.keys:
        if key.kind != "f":
            continue
        table, name = Identifier(schema, definition.table), Identifier(key.name)
        add = SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            table, name, written(key.definition)
        )
        if definition.partition_key or key.definition.endswith(UNCHECKED):
            yield add
        else:
            yield add + SQL(" NOT VALID")
            yield SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(table, name)


def describe_table(definition: TableDefinition, schema: str) -> Iterator[Composed]:
    """Yield comments, triggers and storage: what costs nothing and belongs to the table."""
    table = Identifier(schema, definition.table)
    if definition.comment is not None:
        yield SQL("COMMENT ON TABLE {} IS {}").format(table, Literal(definition.comment))
    for column in definition.columns:
        if column.comment is not None:
            yield SQL("COMMENT ON COLUMN {} IS {}").format(
                Identifier(schema, definition.table, column.name), Literal(column.comment)
            )
    for key in definition.keys:
        if key.comment is not None:
            yield SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
                Identifier(key.name), table, Literal(key.comment)
            )
    for index in definition.indexes:
        if index.comment is not None:
            yield SQL("COMMENT ON INDEX {} IS {}").format(
                Identifier(schema, index.name), Literal(index.comment)
            )
    for trigger in definition.triggers:
        yield SQL("{}").format(written(trigger.definition))
        if trigger.enabled != "O":
            state = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}[trigger.enabled]
            yield SQL("ALTER TABLE {} {} TRIGGER {}").format(
                table, written(state), Identifier(trigger.name)
            )


def grant_privileges(
    definition: TableDefinition, schema: str, roles: set[str]
) -> Iterator[Composed]:
    """Yield what gives the roles that exist what they had; nobody else has anything."""
    table = Identifier(schema, definition.table)
    owner = definition.owner if definition.owner in roles else None
    if owner is not None:
        yield SQL("ALTER TABLE {} OWNER TO {}").format(table, Identifier(owner))
        yield SQL("REVOKE ALL ON {} FROM {}").format(table, Identifier(owner))
    for given in definition.privileges:
        if given.role is not None and given.role not in roles:
            continue
        what: Composable = written(given.privilege)
        if given.column is not None:
            what = SQL("{} ({})").format(what, Identifier(given.column))
        role = SQL("PUBLIC") if given.role is None else Identifier(given.role)
        grantable = SQL(" WITH GRANT OPTION" if given.grantable and given.role != owner else "")
        yield SQL("GRANT {} ON {} TO {}{}").format(what, table, role, grantable)
    for sequence in definition.sequences:
        for given in sequence.privileges:
            if given.role in roles:
                yield SQL("GRANT {} ON SEQUENCE {} TO {}").format(
                    written(given.privilege),
                    Identifier(schema, sequence.name),
                    Identifier(str(given.role)),
                )


def _column(definition: TableDefinition, column: ColumnDefinition, schema: str) -> Composed:
    parts: list[Composable] = [Identifier(column.name), written(column.type)]
    if column.storage:
        parts += [SQL("STORAGE"), written(column.storage)]
    if column.collation:
        parts += [SQL("COLLATE"), written(column.collation)]
    if column.not_null:
        parts.append(SQL("NOT NULL"))
    if column.generated is not None:
        kind = SQL("VIRTUAL" if column.virtual else "STORED")
        parts.append(SQL("GENERATED ALWAYS AS ({}) {}").format(written(column.generated), kind))
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
        parts += [SQL("DEFAULT"), written(column.default)]
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
