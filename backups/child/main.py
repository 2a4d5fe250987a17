"""The process that looks at backup files: `python -m backups.child.main`.

Reads a request from stdin, writes one JSON document a line to stderr: rows looked at, problems,
and at the end that it is done. Stdout takes the rows themselves where they are asked for, in
pieces. A file
that makes it crash, hang or eat memory takes only it down.
"""

import resource
import struct
import sys
from typing import Literal

import msgspec

# Before each piece of stdout: how many rows it has and how many bytes.
PIECE = struct.Struct(">QQ")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be examined, within which limits."""

    path: str
    task: Literal["backup", "foreign", "copy", "second"]
    records: bool = True
    tables: list[str] = []
    places: list[int] = []  # of the columns whose values are written to stdout
    binary: bool = False  # in which format of COPY
    memory_bytes: int
    seconds: int


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: one of these is set."""

    rows: int | None = None
    problem: tuple[str, str] | None = None
    content_sha256: str | None = None  # of the rows that were written to stdout
    done: bool = False


def main() -> None:
    """Examine what stdin asks for."""
    # Loading the libraries takes longer than most files do: it is done while nothing is asked yet.
    from backups.child.check import examine

    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (request.seconds, request.seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        examine(request, _say, sys.stdout.buffer)
    except MemoryError:
        _say(Answer(problem=("", "It needs more memory than is allowed")))
    _say(Answer(done=True))


def _say(answer: Answer) -> None:
    sys.stderr.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stderr.buffer.flush()


if __name__ == "__main__":
    main()
