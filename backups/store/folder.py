"""One backup's folder: its manifest and where each table's file is."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from backups.errors import BackupDamaged
from backups.store.files import open_private, sync_folder
from backups.store.manifest import (
    MANIFEST_NAME,
    Manifest,
    SealedManifest,
    TableEntry,
    read_manifest,
)

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
MAX_STEM = 180


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one file of a backup."""

    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


@dataclass(frozen=True)
class Backup:
    """A folder that has the name of a backup and a manifest."""

    folder: Path
    id: UUID
    taken_at: datetime
    manifest_sha256: str | None = None  # of the only manifest that may be read; None: any

    def read(self) -> Manifest:
        """Return the manifest; raise `BackupDamaged` where it is not what was written."""
        return self.read_sealed().manifest

    def read_sealed(self) -> SealedManifest:
        """Return the manifest with its signature, as `read` does."""
        sealed = read_manifest(self.folder)
        if self.manifest_sha256 not in {None, sealed.sha256}:
            raise BackupDamaged("The manifest was changed while the backup was read")
        return sealed

    @property
    def is_pinned(self) -> bool:
        """Whether it is kept until it is unpinned: by a file beside it, where the backups are."""
        return self._pin.is_file()

    def pin(self) -> None:
        """Keep it, whatever the rules of retention say."""
        with open_private(self._pin, "a") as file:
            os.fsync(file.fileno())
        sync_folder(self.folder.parent)

    def unpin(self) -> None:
        """Have the rules of retention decide again."""
        self._pin.unlink(missing_ok=True)
        sync_folder(self.folder.parent)

    @property
    def _pin(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.pinned")

    def path_of(self, entry: TableEntry) -> Path:
        """Return where a table's file is, which is always inside the folder."""
        if entry.file != file_name(entry.schema, entry.table):
            raise BackupDamaged(f"The manifest names a file that no backup writes: {entry.file!r}")
        return self.folder / entry.file

    def find_unknown_files(self, manifest: Manifest) -> Iterator[Problem]:
        """Yield what is in the folder and not in the manifest, and what is named twice."""
        expected = {entry.file for entry in manifest.tables} | {MANIFEST_NAME}
        if len(expected) != len(manifest.tables) + 1:
            yield Problem(MANIFEST_NAME, "The manifest names a file twice")
        for path in self.folder.iterdir():
            if path.name not in expected:
                yield Problem(path.name, "The manifest does not know this file")

    def find_missing_files(self, entries: Iterable[TableEntry]) -> Iterator[Problem]:
        """Yield which of the tables have no file."""
        for entry in entries:
            if not self.path_of(entry).is_file():
                yield Problem(entry.file, "The file is missing")

    def check_file_names(self, manifest: Manifest) -> None:
        """Raise `BackupDamaged` where files are missing, or the manifest does not know one."""
        problems = [
            *self.find_unknown_files(manifest),
            *self.find_missing_files(manifest.tables),
        ]
        if problems:
            words = "; ".join(map(str, problems))
            raise BackupDamaged(f"{manifest.name} is damaged: {words}")


def file_name(schema: str, table: str) -> str:
    """Return a table's file name: `<schema>.<table>.avro`, other characters as %XX."""
    stem = f"{_escape(schema)}.{_escape(table)}"
    if len(stem) > MAX_STEM:
        stem = f"{stem[:MAX_STEM]}-{hashlib.sha256(stem.encode()).hexdigest()[:16]}"
    return f"{stem}.avro"


def _escape(name: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), name)
