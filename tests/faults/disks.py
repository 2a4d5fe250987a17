"""A small disk of its own, which a test can fill and empty."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_BLOCK = 64 * 1024


class SmallDisk:
    """A file system in memory; `fill` leaves not a byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Take all space that is free now; what is freed later can be used again."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (_BLOCK, 1):
                while _fits(file.fileno(), size):
                    pass

    def free(self) -> None:
        """Give the space back."""
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk on a new folder; skip the test where that is not allowed."""
    folder.mkdir()
    size = f"size={megabytes}m"
    command = ["mount", "-t", "tmpfs", "-o", f"{size},mode=0755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root, and not in every container, can mount a file system")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fits(file: int, size: int) -> bool:
    try:
        return os.write(file, b"\0" * size) > 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
