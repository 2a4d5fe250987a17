"""How log records are written: as JSON without a value of a row, to a file of several processes."""

import fcntl
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import psycopg

from project.base.errors import RowhouseError

_LINE = "rowhouse_line"  # where a record keeps its line

# What every record has; the rest came as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", _LINE}

_encoder = msgspec.json.Encoder(enc_hook=lambda value: type(value).__name__)

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, fields, exception.

    Rowhouse's own records are written as they are: their writers know the rule. Of other
    libraries' records only the text before its arguments are put in and the place and kind of an
    exception are kept, for PostgreSQL's messages quote rows and Django's describe requests.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end; it is written once for all handlers."""
        line: str | None = getattr(record, _LINE, None)
        if line is None:
            line = self._write(record)
            setattr(record, _LINE, line)
        return line

    def _write(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message_of(record),
            "process": record.process,
            **_fields_of(record),
        }
        if record.exc_info and record.exc_info[1]:
            line["exception"] = self.formatException(record.exc_info)
        return _encoder.encode(line).decode()

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return an exception and its causes without the values in their messages."""
        return "\n".join(_describe(ei[1]))


class LinesForPeople(JsonLines):
    """The same on a terminal: the time here, the level unless it is INFO, message and fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        moment = datetime.fromtimestamp(record.created)  # noqa: DTZ006 - the reader's own clock
        level = [] if record.levelno == logging.INFO else [record.levelname]
        fields = [f"{name}={_show(value)}" for name, value in _fields_of(record).items()]
        words = [f"{moment:%H:%M:%S}", *level, _message_of(record), *fields]
        if record.exc_info and record.exc_info[1]:
            words.append("\n" + self.formatException(record.exc_info))
        return " ".join(words)


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


def _show(value: Any) -> str:
    return value if isinstance(value, str) else _encoder.encode(value).decode()


def _is_own(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "rowhouse"


def _message_of(record: logging.LogRecord) -> str:
    return record.getMessage() if _is_own(record) else str(record.msg).partition("\n")[0]


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what came as `extra`, of Rowhouse's own records."""
    if not _is_own(record):
        return {}
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _describe(error: BaseException) -> Iterator[str]:
    origin = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if origin is not None:
        yield from _describe(origin)
        yield "which led to:"
    place = error.__traceback__
    while place is not None:
        code = place.tb_frame.f_code
        yield f'  File "{code.co_filename}", line {place.tb_lineno}, in {code.co_qualname}'
        place = place.tb_next
    yield f"{type(error).__module__}.{type(error).__qualname__}{_safe_message(error)}"


def _safe_message(error: BaseException) -> str:
    if isinstance(error, RowhouseError):
        return f": {error.message}"
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return f" (SQLSTATE {error.sqlstate})"
    return ""
