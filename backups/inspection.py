"""The process that looks at backup files: `python -m backups.inspection`.

Reads a request from stdin, writes one JSON document a line to stdout: rows looked at, problems,
and at the end that it is done. A file that makes it crash, hang or eat memory takes only it down.
"""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be examined, within which limits."""

    path: str
    foreign: bool
    records: bool
    tables: list[str]
    memory_bytes: int
    seconds: int


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: one of these is set."""

    rows: int | None = None
    problem: tuple[str, str] | None = None
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
    from backups.examination import examine_backup, examine_foreign

    path = Path(request.path)

    def progress(rows: int) -> None:
        _say(Answer(rows=rows))

    if not request.foreign:
        backup = Backup(path, UUID(int=0), datetime.now(UTC))
        found = examine_backup(
            backup, tables=request.tables, records=request.records, progress=progress
        )
        for problem in found:
            _say(Answer(problem=problem))
        return
    try:
        examine_foreign(path, progress)
    except BackupError as error:
        _say(Answer(problem=(path.name, error.message)))
    except OSError as error:
        _say(Answer(problem=(path.name, f"The file cannot be read: {error.strerror or error}")))


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
