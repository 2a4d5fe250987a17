"""The definitions of the whole database, as pg_dump writes them."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from backups.tables.connection import admin_conninfo
from project.server.postgres.cluster import program

# A key of its own in each dump.
_RESTRICT = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)


def dump_definitions() -> str:
    """Return `pg_dump -s` of all but the rows that undo restores."""
    command = [str(program("pg_dump")), "-s", "-N", "undo_*", f"--dbname={admin_conninfo()}"]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True)
    return _RESTRICT.sub("", dumped.stdout)


@contextmanager
def unchanged_definitions() -> Iterator[None]:
    """Fail where the block changes a definition, byte for byte."""
    before = dump_definitions()
    yield
    assert dump_definitions() == before
