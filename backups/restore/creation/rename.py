"""A shadow table renamed, with its indexes, sequences and partitions."""

from dataclasses import replace

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier

from backups.restore.creation.shadow import Shadow
from ingest.catalog.definitions import MAX_NAME_BYTES

# Indexes are renamed with their constraints; TOAST tables have names of their own.
_OBJECTS = """
SELECT c.relname, c.relkind FROM pg_class c
WHERE c.relnamespace = %s::text::regnamespace AND c.relkind IN ('r', 'p', 'i', 'I', 'S')
ORDER BY c.relkind, c.relname
"""
_KINDS = {"r": "TABLE", "p": "TABLE", "i": "INDEX", "I": "INDEX", "S": "SEQUENCE"}


def rename_table(connection: psycopg.Connection, shadow: Shadow, name: str) -> Shadow:
    """Rename the table, its indexes, sequences and partitions, which share a schema's names."""
    schema = SQL("{}").format(Identifier(shadow.schema)).as_string(connection)
    before = shadow.definition.table
    for old, kind in connection.execute(_OBJECTS, [schema]).fetchall():
        statement = SQL("ALTER {} {} RENAME TO {}").format(
            SQL(_KINDS[kind]),
            Identifier(shadow.schema, old),
            Identifier(_rename(old, before, name)),
        )
        connection.execute(statement)
    definition = msgspec.structs.replace(
        shadow.definition,
        table=name,
        sequences=tuple(
            msgspec.structs.replace(one, name=_rename(one.name, before, name))
            for one in shadow.definition.sequences
        ),
        partitions=tuple(
            msgspec.structs.replace(one, table=_rename(one.table, before, name))
            for one in shadow.definition.partitions
        ),
    )
    return replace(shadow, definition=definition)


def _rename(old: str, before: str, after: str) -> str:
    renamed = after + old.removeprefix(before) if old.startswith(before) else f"{after}_{old}"
    return renamed.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
