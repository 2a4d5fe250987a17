"""The statements that define tables, written from what PostgreSQL's catalog says of others."""

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from project.schema.objects import Detail, Key, SchemaObjects


def create_object(key: Key, objects: SchemaObjects) -> Composable:
    """Return the statement that makes one of the objects; a table is made with its columns."""
    detail = objects.details[key]
    table = Identifier(key.table)
    match key.kind:
        case "enum":
            labels = SQL(", ").join(Literal(label) for label in detail["labels"])
            return SQL("CREATE TYPE {} AS ENUM ({})").format(Identifier(key.name), labels)
        case "table":
            return _create_table(key, detail, objects.of_table("column", key.table))
        case "column":
            return SQL("ALTER TABLE {} ADD COLUMN {}").format(table, _column(key.name, detail))
        case "constraint":
            return SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                table, Identifier(key.name), _as_written(detail["definition"])
            )
        case "index":
            return _as_written(detail["definition"])
        case "comment":
            return comment_on(key, detail["text"])
    raise ValueError(key.kind)


def drop_object(key: Key) -> Composed:
    """Return the statement that drops a constraint, an index or a comment."""
    if key.kind == "constraint":
        statement = SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        return statement.format(Identifier(key.table), Identifier(key.name))
    if key.kind == "index":
        return SQL("DROP INDEX {}").format(Identifier(key.name))
    return comment_on(key, None)


def comment_on(key: Key, text: str | None) -> Composed:
    """Return the statement that sets or, with None, removes a table's or a column's comment."""
    if key.name:
        target = SQL("COLUMN {}").format(Identifier(key.table, key.name))
    else:
        target = SQL("TABLE {}").format(Identifier(key.table))
    return SQL("COMMENT ON {} IS {}").format(target, Literal(text))


def add_label(key: Key, label: str, *, after: str | None, before: str) -> Composed:
    """Return the statement that adds a label to an enum, first where `after` is None."""
    place = SQL("BEFORE {}").format(Literal(before))
    if after is not None:
        place = SQL("AFTER {}").format(Literal(after))
    statement = SQL("ALTER TYPE {} ADD VALUE {} {}")
    return statement.format(Identifier(key.name), Literal(label), place)


def alter_column(key: Key, part: str, detail: Detail) -> Composed:
    """Return the statement that gives a column its new type, default or NOT NULL."""
    change: Composable
    if part == "type":
        change = SQL("TYPE {}").format(_as_written(detail["type"]))
    elif part == "not_null":
        change = SQL("SET NOT NULL" if detail["not_null"] else "DROP NOT NULL")
    elif detail["default"] is None:
        change = SQL("DROP DEFAULT")
    else:
        change = SQL("SET DEFAULT {}").format(_as_written(detail["default"]))
    statement = SQL("ALTER TABLE {} ALTER COLUMN {} {}")
    return statement.format(Identifier(key.table), Identifier(key.name), change)


def _create_table(key: Key, detail: Detail, columns: dict[str, Detail]) -> Composed:
    table = Identifier(key.table)
    if detail["parent"] is not None:
        return SQL("CREATE TABLE {} PARTITION OF {} {}").format(
            table, _as_written(detail["parent"]), _as_written(detail["bound"])
        )
    body = SQL(", ").join(_column(name, column) for name, column in columns.items())
    statement = SQL("CREATE TABLE {} ({})").format(table, body)
    if detail["partition_key"] is None:
        return statement
    return SQL("{} PARTITION BY {}").format(statement, _as_written(detail["partition_key"]))


def _column(name: str, detail: Detail) -> Composed:
    parts: list[Composable] = [Identifier(name), _as_written(_type(detail))]
    if detail["collation"] is not None:
        parts.append(SQL("COLLATE {}").format(_as_written(detail["collation"])))
    if detail["generated"] is not None:
        parts.append(SQL("GENERATED ALWAYS AS {}").format(_as_written(detail["generated"])))
    elif detail["default"] is not None:
        parts.append(SQL("DEFAULT {}").format(_as_written(detail["default"])))
    if detail["identity"]:
        when = SQL("ALWAYS" if detail["identity"] == "a" else "BY DEFAULT")
        parts.append(SQL("GENERATED {} AS IDENTITY").format(when))
    if detail["not_null"]:
        parts.append(SQL("NOT NULL"))
    return SQL(" ").join(parts)


def _type(detail: Detail) -> str:
    if not detail["serial"]:
        return str(detail["type"])
    return {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}[detail["type"]]


def _as_written(definition: str) -> SQL:
    # PostgreSQL's own writing of a definition in schema.sql: complete, quoted SQL.
    return SQL(definition)
