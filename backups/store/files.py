"""Files and folders that are written completely or not at all, even if the power fails."""

import hashlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from backups.avro.codecs import Buffer

# Rows and what is recorded of them are for the service's own user.
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


class DurableFile:
    """A new file that is written, counted and hashed; on disk when the `with` block ends."""

    def __init__(self, path: Path) -> None:
        self._file = open_private(path, "xb")
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: Buffer) -> None:
        """Append bytes."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(memoryview(data))

    @property
    def sha256(self) -> str:
        """The checksum of what was written so far."""
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()


def open_private(path: Path, mode: str) -> IO[Any]:
    """Open a file for writing that, if it is new, only its owner can read."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, PRIVATE_FILE))


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on disk."""
    with DurableFile(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish_folder(draft: Path, final: Path) -> None:
    """Rename a finished draft to its final name, durably."""
    sync_folder(draft)
    draft.rename(final)
    sync_folder(final.parent)


def remove_folder(folder: Path) -> None:
    """Rename a folder, then remove it: killed in between, it is not taken for a complete one."""
    doomed = folder.with_name(f".removed-{folder.name}")
    folder.rename(doomed)
    sync_folder(folder.parent)
    shutil.rmtree(doomed)


def open_plain(path: Path) -> int:
    """Return a descriptor of a regular file; raise OSError for a link or anything else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not os.path.isfile(f"/dev/fd/{descriptor}"):  # noqa: PTH113
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor
