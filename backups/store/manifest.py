"""The manifest of a backup: what it holds, the checksums that prove it, who signed it."""

import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
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


class DefinitionFile(msgspec.Struct, frozen=True, kw_only=True):
    """The definitions of one dataset, as `pg_dump -s` writes them."""

    dataset: str
    file: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A whole backup."""

    format_version: int
    id: UUID
    name: str  # of the folder
    snapshot_at: datetime
    last_batch: UUID | None
    postgresql_version: str
    codec: str
    complete: bool  # every table that the settings include: no choice of them, none failed
    tables: tuple[TableEntry, ...]
    # No transaction from this number on is certain to be inside; None in older backups.
    next_transaction: int | None = None
    # Tables that should be here and could not be read, with the reason.
    failures: dict[str, str] = {}
    # None in older backups and in those of chosen tables.
    definitions: tuple[DefinitionFile, ...] = ()
    # Datasets whose definitions pg_dump could not write, with the reason.
    definition_failures: dict[str, str] = {}

    @property
    def files(self) -> "tuple[TableEntry | DefinitionFile, ...]":
        """Every file beside the manifest."""
        return (*self.tables, *self.definitions)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(entry.rows for entry in self.tables)

    @property
    def bytes(self) -> int:
        """Bytes of all tables' files."""
        return sum(entry.bytes for entry in self.tables)


@dataclass(frozen=True)
class SealedManifest:
    """A manifest as its file has it: the bytes with their checksum and signature."""

    manifest: Manifest
    text: bytes
    sha256: str
    signature: str | None  # None in backups of earlier versions

    def is_signed_with(self, keys: Iterable[str]) -> bool:
        """Return whether one of the keys made the signature."""
        given = (self.signature or "").encode()
        return any(hmac.compare_digest(_sign(self.text, key).encode(), given) for key in keys)


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    sha256: str
    manifest: msgspec.Raw
    hmac_sha256: str | None = None

    def encode(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"


def encode_manifest(manifest: Manifest, key: str | None) -> bytes:
    """Return the manifest's file: its JSON with a checksum, and a signature if there is a key."""
    text = msgspec.json.encode(manifest)
    signature = _sign(text, key) if key is not None else None
    return _Envelope(hashlib.sha256(text).hexdigest(), msgspec.Raw(text), signature).encode()


def decode_manifest(encoded: bytes) -> SealedManifest:
    """Return the manifest of its file's bytes; raise `BackupDamaged` where they changed.

    Whether the signature holds is for the caller to ask: it needs the keys.
    """
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
    return SealedManifest(manifest, text, envelope.sha256, envelope.hmac_sha256)


def read_manifest(folder: Path) -> SealedManifest:
    """Return a folder's manifest; raise `BackupDamaged` where it is missing or changed."""
    try:
        with os.fdopen(open_plain(folder / MANIFEST_NAME), "rb") as file:
            encoded = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise BackupDamaged(f"There is no manifest: {error.strerror or error}") from error
    if len(encoded) > MAX_MANIFEST_BYTES:
        raise BackupDamaged("The manifest is too large")
    sealed = decode_manifest(encoded)
    if sealed.manifest.name != folder.name:
        raise BackupDamaged("The manifest belongs to another backup")
    return sealed


def _sign(text: bytes, key: str) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
