"""The parent's side of the child process that reads backup files, within limits."""

import fcntl
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import msgspec
from django.conf import settings

from backups.child.protocol import PIECE_HEADER, Answer, Request
from backups.store.folder import Problem

PIPE_BYTES = 1 << 20
CHUNK_BYTES = 1 << 18


class ChildProcess:
    """One child: started at once, asked once, ended by `close`."""

    def __init__(self) -> None:
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
        self._in, self._out, self._err = (
            cast("IO[bytes]", pipe)
            for pipe in (self._child.stdin, self._child.stdout, self._child.stderr)
        )
        self._alarm = threading.Timer(settings.CONFIG.backups.check_timeout_s, self._child.kill)

    def ask(self, path: Path, **task: Any) -> None:
        """Give the child a task, with a backup's folder or a file; once only."""
        limits = settings.CONFIG.backups
        self._path = path
        self._alarm.start()
        fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        request = Request(
            path=str(path),
            memory_bytes=limits.check_memory_mb << 20,
            seconds=limits.check_timeout_s,
            **task,
        )
        with suppress(BrokenPipeError):  # a child that has died is noticed by its answers
            self._in.write(msgspec.json.encode(request))
            self._in.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._alarm.cancel()
        self._child.kill()
        self._child.wait()
        for pipe in (self._in, self._out, self._err):
            with suppress(BrokenPipeError):
                pipe.close()

    def answers(self) -> Iterator[Answer]:
        """Yield the child's answers; an exit before the last one is a problem too."""
        for line in self._err:
            try:
                answer = msgspec.json.decode(line, type=Answer)
            except msgspec.DecodeError:
                continue  # what a crashing library writes
            if answer.done:
                return
            yield answer
        yield Answer(problem=Problem(self._path.name, _describe_exit(self._child.wait())))

    def output(self) -> Iterator[tuple[bytes, int]]:
        """Yield the rows that the child writes, to be read before its answers.

        They come as bytes with the number of rows that end there.
        """
        while len(head := self._out.read(PIECE_HEADER.size)) == PIECE_HEADER.size:
            rows, left = PIECE_HEADER.unpack(head)
            while left:
                chunk = self._out.read1(min(left, CHUNK_BYTES))  # type: ignore[attr-defined]
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk, 0 if left else rows


def _describe_exit(code: int) -> str:
    if code < 0:
        return f"Its examination was ended by {signal.Signals(-code).name}: it is not safe to read"
    return "Its examination failed: it is not safe to read"
