"""Where a backup comes from: its manifest is signed with a key of the service that made it."""

from dataclasses import replace

from django.conf import settings

from backups.errors import BackupError, BackupUntrusted
from backups.store.folder import Backup
from backups.store.manifest import Manifest, SealedManifest
from project.base.secrets import read_or_create_secret

KEYS_FILE = "backup_signing_keys"


def read_signing_keys() -> list[str]:
    """Return the keys, one a line of the secret file: the first signs, each of them is trusted.

    Raises `BackupError` where the file is empty.
    """
    keys = read_or_create_secret(settings.SECRETS_DIR / KEYS_FILE).split()
    if not keys:
        raise BackupError(
            f"There is no key in secrets/{KEYS_FILE}: a file that is gone is made anew"
        )
    return keys


def is_signed(sealed: SealedManifest) -> bool:
    """Return whether this service, or one whose key it has, made the backup."""
    return sealed.is_signed_with(read_signing_keys())


def open_trusted(backup: Backup, *, trust: bool = False) -> tuple[Backup, Manifest]:
    """Return a backup whose origin is known, or is trusted, and its manifest.

    Whatever reads the returned backup later gets this manifest or `BackupDamaged`. Raises
    `BackupUntrusted` or `BackupDamaged`.
    """
    sealed = backup.read_sealed()
    if not trust and not is_signed(sealed):
        raise BackupUntrusted(
            f"{backup.folder.name} is of unknown origin: no key in secrets/{KEYS_FILE} signed its "
            "manifest. On the command line --trust takes it all the same"
        )
    return replace(backup, manifest_sha256=sealed.sha256), sealed.manifest
