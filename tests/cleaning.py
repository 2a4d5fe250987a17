"""A database as it was before a test, without making it anew."""

from django.db import connection
from psycopg.sql import SQL, Identifier

# What migrations and setup_db fill.
KEPT = {"django_migrations", "django_content_type", "auth_permission", "applied_schema"}

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
"""

# The size of tables, with what was deleted from them, up to which rows are deleted.
LARGE = 1 << 20

_SIZE = """
SELECT sum(pg_table_size(coalesce(tree.relid, one.oid)))
FROM unnest(%s::regclass[]) AS one (oid)
LEFT JOIN LATERAL pg_partition_tree(one.oid) AS tree ON true
"""

Table = tuple[str, str]


def list_tables() -> set[Table]:
    """Return every table outside PostgreSQL's own schemas."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return set(cursor.fetchall())


def clean(tables: set[Table]) -> None:
    """Empty the given tables and drop all others."""
    with connection.cursor() as cursor:
        for schema, name in list_tables() - tables:
            statement = SQL("DROP TABLE IF EXISTS {} CASCADE")
            cursor.execute(statement.format(Identifier(schema, name)).as_string())
    emptied = sorted(table for table in tables if table[1] not in KEPT)
    # What is deleted may be noted by a trigger in another table.
    while full := _find_full(emptied):
        _empty(full)


def _find_full(tables: list[Table]) -> list[Table]:
    questions = SQL(", ").join(
        SQL("EXISTS (SELECT FROM {})").format(Identifier(*table)) for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT {}").format(questions).as_string())
        answers = cursor.fetchone()
    return [table for table, is_full in zip(tables, answers, strict=True) if is_full]


def _empty(tables: list[Table]) -> None:
    """Delete the rows of small tables: that leaves the tables themselves as they are known."""
    names = [Identifier(*table) for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(_SIZE, [[name.as_string() for name in names]])
        (size,) = cursor.fetchone()
        if size > LARGE:
            statement = SQL("TRUNCATE {} CASCADE").format(SQL(", ").join(names))
        else:
            deletions = [
                SQL("{} AS (DELETE FROM {})").format(Identifier(str(number)), name)
                for number, name in enumerate(names)
            ]
            # One statement: foreign keys are checked at its end.
            statement = SQL("WITH {} SELECT").format(SQL(", ").join(deletions))
        cursor.execute(statement.as_string())
