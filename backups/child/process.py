"""The near side of `inspection`: a child process that looks at files, within limits."""

import fcntl
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec
from django.conf import settings

from backups.child.main import PIECE, Answer, Request

PIPE_BYTES = 1 << 20
CHUNK_BYTES = 1 << 18


class Inspection:
    """One child, made ready at once and at work when it is asked; gone after the `with` block."""

    def __init__(self) -> None:
        limits = settings.CONFIG.backups
        self._path = Path()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "backups.child.main"],
            cwd=settings.BASE_DIR,
            # One thread reserves less address space than one a core.
            env={**settings.COMMAND_ENVIRONMENT, "POLARS_MAX_THREADS": "1", "RUST_BACKTRACE": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._alarm = threading.Timer(limits.check_timeout_s, self._child.kill)

    def __enter__(self) -> Self:
        self._alarm.start()
        fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return self

    def ask(self, path: Path, **task: Any) -> None:
        """Have the child look at a backup's folder or a file; once only."""
        limits = settings.CONFIG.backups
        self._path = path
        request = Request(
            path=str(path),
            memory_bytes=limits.check_memory_mb << 20,
            seconds=limits.check_timeout_s,
            **task,
        )
        if self._child.stdin is None:
            raise RuntimeError("the child cannot be asked")
        with suppress(BrokenPipeError):  # its answers tell of its death
            self._child.stdin.write(msgspec.json.encode(request))
            self._child.stdin.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._alarm.cancel()
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._out, self._err):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def answers(self) -> Iterator[Answer]:
        """Yield what the child says; its death is a problem too."""
        for line in self._err:
            try:
                answer = msgspec.json.decode(line, type=Answer)
            except msgspec.DecodeError:
                continue  # what a crashing library writes
            if answer.done:
                return
            yield answer
        yield Answer(problem=(self._path.name, _describe_death(self._child.wait())))

    def output(self) -> Iterator[tuple[bytes, int]]:
        """Yield the rows that the child writes, to be read before its answers.

        They come as bytes with the number of rows that end there.
        """
        while len(head := self._out.read(PIECE.size)) == PIECE.size:
            rows, left = PIECE.unpack(head)
            while left:
                chunk = self._out.read1(min(left, CHUNK_BYTES))  # type: ignore[attr-defined]
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk, 0 if left else rows

    @property
    def _out(self) -> IO[bytes]:
        if self._child.stdout is None:
            raise RuntimeError("the child has no output")
        return self._child.stdout

    @property
    def _err(self) -> IO[bytes]:
        if self._child.stderr is None:
            raise RuntimeError("the child has no answers")
        return self._child.stderr


def _describe_death(code: int) -> str:
    if code < 0:
        return f"Its examination was ended by {signal.Signals(-code).name}: it is not safe to read"
    return "Its examination failed: it is not safe to read"
