"""W3C DateTime values and ranges of them as periods of time."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import msgspec

_PATTERN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?)?"
    # A plus sign that was not escaped arrives as a space.
    r"(?P<offset>Z|[+\- ]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_UNITS = ("second", "minute", "hour")


class Period(msgspec.Struct, frozen=True):
    """From `start` up to, not including, `end`; both in UTC."""

    start: datetime
    end: datetime


def parse_period(text: str, zone: tzinfo) -> Period:
    """Return the period that a value, or two with a semicolon between them, stands for.

    A value stands for all of what it names: a year, a month … a second. A range includes both of
    its ends. `zone` is that of dates without an offset. Raise `ValueError` that says what is wrong.
    """
    first, semicolon, last = text.partition(";")
    start = _parse_value(first, zone)
    if not semicolon:
        return start
    end = _parse_value(last, zone)
    if end.start < start.start:
        raise ValueError(f"{last} is before {first}")
    return Period(start.start, end.end)


def _parse_value(text: str, zone: tzinfo) -> Period:
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text[:50]!r} is not a W3C DateTime such as 2010, 2010-05-26 or 2010-05-26T21:00:00Z"
        )
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        local = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "").ljust(6, "0")),
            _zone_of(offset, zone),
        )
        return Period(local.astimezone(UTC), _end_of(local, match).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a date: {error}") from error


def _zone_of(offset: str | None, zone: tzinfo) -> tzinfo:
    if offset is None:
        return zone
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("there is no such offset")
    size = timedelta(hours=hours, minutes=minutes)
    return timezone(-size if offset[0] == "-" else size)


def _end_of(local: datetime, value: re.Match[str]) -> datetime:
    """Return where the period ends that begins at `local`, on the same clock."""
    if value["fraction"]:
        return _later(local, timedelta(microseconds=10 ** (6 - len(value["fraction"]))))
    if value["hour"]:
        unit = next(name for name in _UNITS if value[name])
        return _later(local, timedelta(**{f"{unit}s": 1}))
    if value["day"]:
        return local + timedelta(days=1)  # on the clock: a day may have 23 or 25 hours
    if value["month"]:
        return local.replace(year=local.year + local.month // 12, month=local.month % 12 + 1)
    return local.replace(year=local.year + 1)


def _later(local: datetime, step: timedelta) -> datetime:
    return local.astimezone(UTC) + step
