"""The process that looks at backup files: `python -m backups.inspection`.

Reads a request from stdin, writes one JSON document a line to stderr: rows looked at, problems,
and at the end that it is done. Stdout takes the rows themselves where they are asked for. A file
that makes it crash, hang or eat memory takes only it down.
"""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be examined, within which limits."""

    path: str
    task: Literal["backup", "foreign", "copy"]
    records: bool = True
    tables: list[str] = []
    places: list[int] = []  # of the columns whose values are written to stdout
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
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (request.seconds, request.seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _examine(request)
    except MemoryError:
        _say(Answer(problem=(Path(request.path).name, "It needs more memory than is allowed")))
    _say(Answer(done=True))


def _examine(request: Request) -> None:
    # Only now, with the limits in place, the libraries that parse what the files hold.
    from backups.archive import Backup
    from backups.errors import BackupError
    from backups.examination import examine_backup, examine_foreign, write_copy_text

    path = Path(request.path)
    backup = Backup(path, UUID(int=0), datetime.now(UTC))

    def progress(rows: int) -> None:
        _say(Answer(rows=rows))

    try:
        if request.task == "foreign":
            examine_foreign(path, progress)
        elif request.task == "copy":
            rows, content = write_copy_text(
                backup, request.tables[0], request.places, sys.stdout.buffer
            )
            _say(Answer(rows=rows, content_sha256=content))
        else:
            for problem in examine_backup(
                backup, tables=request.tables, records=request.records, progress=progress
            ):
                _say(Answer(problem=problem))
    except BackupError as error:
        _say(Answer(problem=(path.name, error.message)))
    except OSError as error:
        _say(Answer(problem=(path.name, f"The file cannot be read: {error.strerror or error}")))


def _say(answer: Answer) -> None:
    sys.stderr.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stderr.buffer.flush()


if __name__ == "__main__":
    main()
