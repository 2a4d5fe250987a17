"""A backup proven by restoring all of it where nobody looks."""

from collections.abc import Callable
from itertools import zip_longest

import psycopg

from backups.child.reading import TableReader
from backups.child.verify import check_folder, check_readable
from backups.restore.locking import only_restore
from backups.restore.swap import shadow
from backups.restore.swap.replacing import run_in
from backups.store.folder import Backup
from backups.tables import ddl
from backups.tables.connection import connect_admin, defer_commits

Progress = Callable[[int], None]


def prove_backup(backup: Backup, *, progress: Progress = lambda rows: None) -> int:
    """Restore every table into scratch schemas, compare it with the backup, throw it away.

    Before that, another reader than ours must find the same in the files. Return the rows that
    were proven. Tables are made as the backup describes them.
    """
    manifest = backup.read()
    check_folder(backup, manifest)
    check_readable(backup)
    readers = [TableReader(backup, entry) for entry in manifest.tables]
    schemas = {entry.schema for entry in manifest.tables}
    with connect_admin() as connection, only_restore(connection):
        defer_commits(connection)
        shadow.clear_shadows(connection, schemas)
        rows = 0
        try:
            for reader, following in zip_longest(readers, readers[1:]):
                if following is not None:
                    following.prepare()
                rows += _prove(connection, reader, progress)
            return rows
        finally:
            for reader in readers:
                reader.close()
            shadow.clear_shadows(connection, schemas)


def _prove(connection: psycopg.Connection, reader: TableReader, progress: Progress) -> int:
    entry = reader.entry
    made = shadow.build_shadow(connection, reader, entry, progress, own_sequences=True)
    run_in(connection, made, ddl.create_indexes(entry, made.schema))
    shadow.check_content(made)
    run_in(connection, made, ddl.add_keys(entry, made.schema))
    return made.rows
