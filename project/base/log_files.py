"""A log file that several processes write and rotate together."""

import fcntl
import logging
import os
import sys
from itertools import pairwise
from pathlib import Path


class SharedLogFile(logging.Handler):
    """Append lines to a file; whoever finds it full renames it, and the others follow.

    A line is one write to a file opened for appending, so that lines of several processes never
    mix. Renaming is done under a lock, by the first process that comes.
    """

    def __init__(self, filename: str, max_bytes: int, kept_files: int) -> None:
        super().__init__()
        self._path = Path(filename)
        self._max_bytes = max_bytes
        self._kept_files = kept_files
        self._descriptor: int | None = None
        self._opened: os.stat_result | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a line."""
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
            present = self._look()
            if self._is_full(present, len(line)):
                self._rotate(len(line))
                present = self._look()
            os.write(self._open(present), line)
        except Exception as error:
            # Not logging's own report: it would show what the line was to say.
            sys.stderr.write(f"a line for {self._path} is lost: {type(error).__name__}\n")

    def close(self) -> None:
        """Close the file; the next record opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        super().close()

    def _look(self) -> os.stat_result | None:
        """Return what has the name now, None where nothing has."""
        try:
            return self._path.stat()
        except FileNotFoundError:
            return None

    def _is_full(self, present: os.stat_result | None, length: int) -> bool:
        return present is not None and present.st_size > max(0, self._max_bytes - length)

    def _open(self, present: os.stat_result | None) -> int:
        """Return a descriptor of the file that has the name now."""
        if self._descriptor is not None and not (
            present and self._opened and os.path.samestat(present, self._opened)
        ):
            os.close(self._descriptor)
            self._descriptor = None
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o640)
            self._opened = os.fstat(self._descriptor)
        return self._descriptor

    def _rotate(self, length: int) -> None:
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_full(self._look(), length):  # another process was quicker
                return
            names = [self._path.name]
            names += [f"{self._path.name}.{number}" for number in range(1, self._kept_files + 1)]
            files = [self._path.with_name(name) for name in names]
            for newer, older in reversed(list(pairwise(files))):
                if newer.exists():
                    newer.replace(older)
