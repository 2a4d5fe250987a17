"""Log records as lines of JSON that hold no value of a row."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec
import psycopg

from project.base.errors import RowhouseError

# What every record has; the rest came as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_LINE = "rowhouse_line"  # where a record keeps its line

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
        is_own = record.name.partition(".")[0] == "rowhouse"
        line = {
            "time": _utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage() if is_own else str(record.msg).partition("\n")[0],
            "process": record.process,
        }
        if is_own:
            fields = vars(record).items()
            line |= {name: value for name, value in fields if name not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            line["exception"] = self.formatException(record.exc_info)
        return _encoder.encode(line).decode()

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return an exception and its causes without the values in their messages."""
        return "\n".join(_describe(ei[1]))


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


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
