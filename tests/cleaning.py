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
        full = _find_full(sorted(table for table in tables if table[1] not in KEPT))
        if full:
            names = SQL(", ").join(Identifier(*table) for table in full)
            cursor.execute(SQL("TRUNCATE {} CASCADE").format(names).as_string())


def _find_full(tables: list[Table]) -> list[Table]:
    questions = SQL(", ").join(
        SQL("EXISTS (SELECT FROM {})").format(Identifier(*table)) for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(SQL("SELECT {}").format(questions).as_string())
        answers = cursor.fetchone()
    return [table for table, is_full in zip(tables, answers, strict=True) if is_full]
