"""The restore drill: a backup proven by restoring all of it into scratch schemas."""

from itertools import zip_longest

import psycopg

from backups.child.table_reader import TableReader
from backups.child.verify import verify_with_second_reader
from backups.progress import Progress
from backups.restore.creation import shadow
from backups.restore.creation.create import run_in
from backups.restore.database_errors import translate_errors
from backups.store.folder import Backup
from backups.store.origin import open_trusted
from backups.tables import ddl
from backups.tables.connection import (
    connect_for_restore,
    connect_restorer,
    disable_synchronous_commit,
)


def prove_backup(backup: Backup, *, trust: bool, progress: Progress) -> int:
    """Restore every table into a scratch schema, compare it with the backup and drop it.

    Before that, a second reader must find the same in the files as ours. Tables are created as the
    backup describes them, by a role that owns nothing else. Return how many rows were compared.
    """
    backup, manifest = open_trusted(backup, trust=trust)
    backup.check_file_names(manifest)
    verify_with_second_reader(backup)
    readers = [TableReader(backup, entry) for entry in manifest.tables]
    schemas = {entry.schema for entry in manifest.tables}
    with (
        translate_errors(),
        connect_for_restore() as connection,
        connect_restorer() as restorer,
    ):
        disable_synchronous_commit(restorer)
        shadow.make_shadow_schemas(connection, schemas, owner=restorer.info.user)
        rows = 0
        try:
            for reader, following in zip_longest(readers, readers[1:]):
                if following is not None:
                    following.prepare()
                rows += _prove(restorer, reader, progress)
            return rows
        finally:
            for reader in readers:
                reader.close()
            shadow.clear_shadows(connection, schemas)


def _prove(connection: psycopg.Connection, reader: TableReader, progress: Progress) -> int:
    entry = reader.entry
    made = shadow.build_shadow(connection, reader, entry, progress)
    run_in(connection, made, ddl.create_indexes(entry, made.schema))
    shadow.check_content(made)
    run_in(connection, made, ddl.add_constraints(entry, made.schema))
    return made.rows
