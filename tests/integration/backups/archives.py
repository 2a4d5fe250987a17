"""Backups changed by someone who knows how they are made."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from backups.errors import BackupError
from backups.store.folder import Backup
from backups.store.manifest import MANIFEST_NAME, Manifest, encode_manifest
from backups.store.origin import read_signing_keys

# The files of the fixture `backup`.
FILE = "hiring.one.avro"
OTHER = "hiring.two.avro"


def reseal(backup: Backup, change: Callable[[Manifest], Manifest]) -> None:
    """Change the manifest as someone would who has the key."""
    key, *_ = read_signing_keys()
    forge(backup, change, key)


def forge(
    backup: Backup,
    change: Callable[[Manifest], Manifest] = lambda manifest: manifest,
    key: str | None = None,
) -> None:
    """Change the manifest as someone would who knows its checksum; sign it with another key."""
    path = backup.folder / MANIFEST_NAME
    path.write_bytes(encode_manifest(change(backup.read()), key))


def change_entry(backup: Backup, **changes: object) -> None:
    def change(manifest: Manifest) -> Manifest:
        first, *others = manifest.tables
        return msgspec.structs.replace(
            manifest, tables=(msgspec.structs.replace(first, **changes), *others)
        )

    reseal(backup, change)


def change_bytes(path: Path, place: int, mask: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= mask
    path.write_bytes(data)


def check_refused(error: type[BackupError], match: str, *uses: Callable[[], object]) -> None:
    """Fail unless each use of a backup raises the error."""
    for use in uses:
        with pytest.raises(error, match=match):
            use()
