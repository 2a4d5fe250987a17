"""The process that reads backup files: `python -m backups.child.main`.

A file that makes it crash, hang or run out of memory ends this process only.
"""

import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from backups.child.check import check_backup, check_external_file, describe_error, write_copy
from backups.child.protocol import Answer, Request
from backups.errors import BackupError
from backups.progress import Progress
from backups.store.folder import Backup, Problem


def main() -> None:
    """Do what stdin asks for.

    The parent starts this process early: the libraries are loaded before the request is read.
    """
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (request.seconds, request.seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for problem in _find_problems(request):
            _send(Answer(problem=problem))
    except (BackupError, OSError) as error:
        _send(Answer(problem=Problem(Path(request.path).name, describe_error(error))))
    except MemoryError:
        _send(Answer(problem=Problem("", "It needs more memory than is allowed")))
    _send(Answer(done=True))


def _find_problems(request: Request) -> Iterator[Problem]:
    path = Path(request.path)
    backup = Backup(path, UUID(int=0), datetime.now(UTC), request.manifest_sha256)
    progress = Progress(add_rows=lambda rows: _send(Answer(rows=rows)))
    if request.task == "check":
        yield from check_backup(backup, request.tables, decode=request.decode, progress=progress)
    elif request.task == "check_external":
        check_external_file(path, progress)
    elif request.task == "compare":
        # Only the restore drill needs fastavro; the other tasks would wait for it.
        from backups.child.second_reader import compare_backup

        yield from compare_backup(backup)
    else:
        rows, content = write_copy(
            backup, request.tables[0], request.positions, sys.stdout.buffer, binary=request.binary
        )
        _send(Answer(rows=rows, content_sha256=content))


def _send(answer: Answer) -> None:
    sys.stderr.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stderr.buffer.flush()


if __name__ == "__main__":
    main()
