"""Dates in a file's own pattern, converted to ISO 8601."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from project.base.errors import RowhouseError

DateKind = Literal["date", "timestamp"]

# Values that repeat (a day's requests, a shared due date) are parsed once.
_REMEMBERED = 20_000


class DatePatternInvalid(RowhouseError):
    """The date pattern would guess a part of the date or the time."""

    code = "date_pattern_invalid"


def check_pattern(pattern: str) -> None:
    """Raise `DatePatternInvalid` unless the strptime pattern says which moment is meant."""
    parts = set(re.findall(r"%(.)", pattern))
    has_day = "j" in parts or ("d" in parts and parts & {"m", "b", "B"})
    if parts & {"y", "x"}:
        raise DatePatternInvalid(
            f"{pattern!r} has years of two digits, whose century would be guessed: only dates with "
            "all four digits (%Y) can be loaded"
        )
    if not (has_day and "Y" in parts):
        raise DatePatternInvalid(f"{pattern!r} needs a year, a month and a day")
    if "I" in parts and "p" not in parts:
        raise DatePatternInvalid(f"{pattern!r} has %I without %p: morning or evening?")
    if "H" in parts and "p" in parts:
        raise DatePatternInvalid(f"{pattern!r} has %p beside %H, which ignores it: use %I")
    if "Z" in parts:
        raise DatePatternInvalid(f"{pattern!r} has %Z: a zone's name is not an offset, use %z")
    sample = datetime(2000, 1, 2, tzinfo=UTC).strftime(pattern)
    try:
        datetime.strptime(sample, pattern)  # noqa: DTZ007 - only tried
    except ValueError as error:
        raise DatePatternInvalid(f"{pattern!r}: {error}") from error


def date_converter(
    pattern: str, kind: DateKind, zone: ZoneInfo | None = None
) -> Callable[[str], str]:
    """Return a function from text in this pattern to ISO 8601; dates without an offset get `zone`.

    What does not fit the pattern, and a time of day for a `date`, is returned as it is: the
    service rejects it with its reason.
    """

    @lru_cache(maxsize=_REMEMBERED)
    def convert(text: str) -> str:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - no zone is invented
        except ValueError:
            return text
        if kind == "timestamp":
            return _add_offset(moment, zone).isoformat()
        return moment.date().isoformat() if moment.timetz() == time() else text

    return convert


def _add_offset(moment: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the moment without an offset where the clock shows that time twice or never."""
    if zone is None or moment.tzinfo is not None:
        return moment
    first, second = moment.replace(tzinfo=zone), moment.replace(tzinfo=zone, fold=1)
    return first if first.utcoffset() == second.utcoffset() else moment
