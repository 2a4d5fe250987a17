"""One backup's folder: its manifest and where each table's file is."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from backups.errors import BackupDamaged
from backups.store.manifest import Manifest, TableEntry, read_manifest

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
MAX_STEM = 180


@dataclass(frozen=True)
class Backup:
    """A folder that has the name of a backup and a manifest."""

    folder: Path
    id: UUID
    taken_at: datetime

    def read(self) -> Manifest:
        """Return the manifest; raise `BackupDamaged` where it is not what was written."""
        return read_manifest(self.folder)

    def path_of(self, entry: TableEntry) -> Path:
        """Return where a table's file is, which is always inside the folder."""
        if entry.file != file_name(entry.schema, entry.table):
            raise BackupDamaged(f"The manifest names a file that no backup writes: {entry.file!r}")
        return self.folder / entry.file


def file_name(schema: str, table: str) -> str:
    """Return a table's file name: `<schema>.<table>.avro`, other characters as %XX."""
    stem = f"{_escape(schema)}.{_escape(table)}"
    if len(stem) > MAX_STEM:
        stem = f"{stem[:MAX_STEM]}-{hashlib.sha256(stem.encode()).hexdigest()[:16]}"
    return f"{stem}.avro"


def _escape(name: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), name)
