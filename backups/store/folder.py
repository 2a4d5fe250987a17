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
from backups.store.files import open_plain, open_private, sync_folder
from backups.store.manifest import (
    MANIFEST_NAME,
    DefinitionFile,
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

    def path_of(self, entry: TableEntry | DefinitionFile) -> Path:
        """Return where a file is, which is always inside the folder."""
        if isinstance(entry, DefinitionFile):
            expected = definition_file_name(entry.dataset)
        else:
            expected = file_name(entry.schema, entry.table)
        if entry.file != expected:
            raise BackupDamaged(f"The manifest names a file that no backup writes: {entry.file!r}")
        return self.folder / entry.file

    def read_definitions(self, entry: DefinitionFile) -> bytes:
        """Return what a dataset's file says; raise `BackupDamaged` unless it is what was written.

        Raises OSError where it cannot be read.
        """
        with os.fdopen(open_plain(self.path_of(entry)), "rb") as file:
            text = file.read(entry.bytes + 1)
        if len(text) != entry.bytes or hashlib.sha256(text).hexdigest() != entry.sha256:
            raise BackupDamaged(f"{entry.file} is not what was written: its checksum is wrong")
        return text

    def find_unknown_files(self, manifest: Manifest) -> Iterator[Problem]:
        """Yield what is in the folder and not in the manifest, and what is named twice."""
        expected = {entry.file for entry in manifest.files} | {MANIFEST_NAME}
        if len(expected) != len(manifest.files) + 1:
            yield Problem(MANIFEST_NAME, "The manifest names a file twice")
        for path in self.folder.iterdir():
            if path.name not in expected:
                yield Problem(path.name, "The manifest does not know this file")

    def find_missing_files(
        self, entries: Iterable[TableEntry | DefinitionFile]
    ) -> Iterator[Problem]:
        """Yield which of the files are missing."""
        for entry in entries:
            if not self.path_of(entry).is_file():
                yield Problem(entry.file, "The file is missing")

    def check_file_names(self, manifest: Manifest) -> None:
        """Raise `BackupDamaged` where files are missing, or the manifest does not know one."""
        problems = [*self.find_unknown_files(manifest), *self.find_missing_files(manifest.files)]
        if problems:
            words = "; ".join(map(str, problems))
            raise BackupDamaged(f"{manifest.name} is damaged: {words}")


def file_name(schema: str, table: str) -> str:
    """Return a table's file name: `<schema>.<table>.avro`, other characters as %XX."""
    return f"{_shorten(f'{_escape(schema)}.{_escape(table)}')}.avro"


def definition_file_name(dataset: str) -> str:
    """Return the name of the file of a dataset's definitions: `<dataset>.sql`."""
    return f"{_shorten(_escape(dataset))}.sql"


def _shorten(stem: str) -> str:
    if len(stem) <= MAX_STEM:
        return stem
    return f"{stem[:MAX_STEM]}-{hashlib.sha256(stem.encode()).hexdigest()[:16]}"


def _escape(name: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), name)
