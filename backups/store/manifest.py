"""The manifest of a backup: what it holds, and the checksums that prove it."""

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from backups.errors import BackupDamaged
from backups.store.files import open_plain
from backups.tables.definition import TableDefinition

MANIFEST_NAME = "manifest.json"
FORMAT_VERSION = 1
MAX_MANIFEST_BYTES = 64 << 20


class TableEntry(TableDefinition, frozen=True, kw_only=True):
    """One table's file and definition."""

    file: str
    bytes: int
    sha256: str
    rows: int
    blocks: int
    content_sha256: str  # of the encoded records, whatever the codec and the blocks
    avro_schema: dict[str, Any]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A whole backup."""

    format_version: int
    id: UUID
    name: str  # of the folder
    snapshot_at: datetime
    last_batch: UUID | None
    postgresql_version: str
    codec: str
    complete: bool  # every table that the settings include, not a choice of them
    tables: tuple[TableEntry, ...]
    # No transaction from this number on is certain to be inside; None in older backups.
    next_transaction: int | None = None

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(entry.rows for entry in self.tables)

    @property
    def bytes(self) -> int:
        """Bytes of all tables' files."""
        return sum(entry.bytes for entry in self.tables)


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: str
    manifest: msgspec.Raw

    def encode(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest's file: its JSON with a checksum of its own."""
    text = msgspec.json.encode(manifest)
    return _Envelope(hashlib.sha256(text).hexdigest(), msgspec.Raw(text)).encode()


def decode_manifest(encoded: bytes) -> Manifest:
    """Return the manifest of its file's bytes; raise `BackupDamaged` where they changed."""
    try:
        envelope = msgspec.json.decode(encoded, type=_Envelope)
        text = bytes(envelope.manifest)
        if hashlib.sha256(text).hexdigest() != envelope.sha256 or encoded != envelope.encode():
            raise BackupDamaged("The manifest is not what was written: its checksum is wrong")
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BackupDamaged(f"The manifest cannot be read: {error}") from error
    if manifest.format_version != FORMAT_VERSION:
        raise BackupDamaged(f"The backup has the format {manifest.format_version}, unknown here")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Return a folder's manifest; raise `BackupDamaged` where it is missing or changed."""
    try:
        with os.fdopen(open_plain(folder / MANIFEST_NAME), "rb") as file:
            encoded = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise BackupDamaged(f"There is no manifest: {error.strerror or error}") from error
    if len(encoded) > MAX_MANIFEST_BYTES:
        raise BackupDamaged("The manifest is too large")
    manifest = decode_manifest(encoded)
    if manifest.name != folder.name:
        raise BackupDamaged("The manifest belongs to another backup")
    return manifest
