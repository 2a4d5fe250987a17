"""date, time, timestamp (with and without time zone) and interval."""

import datetime as dt
import re

from ingest.payload.json_syntax import Number
from ingest.validation.values.adapter import (
    Adapter,
    Canonical,
    Fault,
    Value,
    every_string_matches,
    show,
)

DATE = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
# Without the days that some years or months do not have: those take the slow path.
_SURE_DATE = (
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
ZONE = r"(?:[zZ]|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)"

# PostgreSQL refuses endless ones.
_MOST_FRACTION_DIGITS = 30

_date = re.compile(DATE)
_zone = re.compile(ZONE + r"\Z")

# ISO 8601 durations and what PostgreSQL itself prints. A fraction is allowed of seconds only:
# PostgreSQL would turn half a month into fifteen days.
_clock = r"[0-9]{{1,7}}:[0-5][0-9](?::[0-5][0-9]{fraction})?"
_iso_duration = (
    r"-?P(?=[0-9T-])(?:-?[0-9]{{1,9}}Y)?(?:-?[0-9]{{1,9}}M)?(?:-?[0-9]{{1,9}}W)?(?:-?[0-9]{{1,9}}D)?"
    r"(?:T(?=[0-9-])(?:-?[0-9]{{1,9}}H)?(?:-?[0-9]{{1,9}}M)?(?:-?[0-9]{{1,9}}{fraction}S)?)?"
)
_units = (
    r"(?:[+-]?[0-9]{{1,9}} (?:years?|mons?|months?|weeks?|days?|hours?|minutes?)(?: |\Z|$))*+"
    r"(?:[+-]?[0-9]{{1,9}}{fraction} seconds?|[+-]?{clock})?"
)


def date_adapter() -> Adapter:
    """Return the adapter of date: YYYY-MM-DD, years 1 to 9999."""

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, str) and _date.fullmatch(value) and _is_day(value):
            return value
        return Fault("bad_date", f"{show(value)} is not a date such as 2021-07-31")

    return Adapter(
        check=check,
        annotation=dt.date,
        copied_as="scalar",
        schema={"type": "string", "format": "date"},
    )


def timestamp_adapter(fraction_digits: int, *, zoned: bool) -> Adapter:
    """Return the adapter of timestamp: ISO 8601 with an offset if zoned, without if not."""
    moment = rf"{DATE}[Tt ]{_time_of_day(fraction_digits)}"
    pattern = moment + (ZONE if zoned else "")
    exact = re.compile(pattern)
    # The slow path looks at the ends of the calendar, where the offset may lead out of it.
    edges = "(?!0001|9999)" if zoned else ""
    check_column = every_string_matches(edges + pattern.replace(DATE, _SURE_DATE))
    unzoned = re.compile(moment)
    example = "2021-07-27T16:02:08Z" if zoned else "2021-07-27T16:02:08"

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, str):
            if exact.fullmatch(value) and _is_day(value[:10]):
                if zoned and not _is_instant(value):
                    return Fault(
                        "bad_timestamp", f"{show(value)} is not in the years 1 to 9999, UTC"
                    )
                return value
            if zoned and unzoned.fullmatch(value) and _is_day(value[:10]):
                return Fault("timezone_missing", f"{show(value)} does not say its offset from UTC")
        return Fault("bad_timestamp", f"{show(value)} is not a timestamp such as {example}")

    return Adapter(
        check=check,
        annotation=str,
        check_column=check_column,
        copied_as="scalar",
        schema={"type": "string", "format": "date-time"} if zoned else {"type": "string"},
    )


def time_adapter(fraction_digits: int, *, zoned: bool) -> Adapter:
    """Return the adapter of time: HH:MM[:SS[.ffffff]], with an offset if zoned."""
    pattern = _time_of_day(fraction_digits) + (ZONE if zoned else "")
    exact = re.compile(pattern)
    check_column = every_string_matches(pattern)

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, str):
            if exact.fullmatch(value):
                return value
            if zoned and not _zone.search(value) and exact.fullmatch(value + "Z"):
                return Fault("timezone_missing", f"{show(value)} does not say its offset from UTC")
        return Fault("bad_time", f"{show(value)} is not a time such as 16:02:08")

    return Adapter(
        check=check,
        annotation=str,
        check_column=check_column,
        copied_as="scalar",
        schema={"type": "string", "format": "time"} if zoned else {"type": "string"},
    )


def interval_adapter(fraction_digits: int) -> Adapter:
    """Return the adapter of interval: ISO 8601 durations and PostgreSQL's own output."""
    fraction = _fraction(fraction_digits)
    clock = _clock.format(fraction=fraction)
    units = _units.format(fraction=fraction, clock=clock)
    pattern = rf"{_iso_duration.format(fraction=fraction)}|(?=[0-9+-]){units}"
    exact = re.compile(pattern)
    check_column = every_string_matches(pattern)

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, str) and not isinstance(value, Number) and exact.fullmatch(value):
            return value
        return Fault("bad_interval", f"{show(value)} is not a duration such as P1DT2H30M")

    return Adapter(
        check=check,
        annotation=str,
        check_column=check_column,
        copied_as="scalar",
        schema={"type": "string", "format": "duration"},
    )


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_instant(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC)
    except OverflowError:
        return False
    return True


def _time_of_day(fraction_digits: int) -> str:
    return rf"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9]{_fraction(fraction_digits)})?"


def _fraction(digits: int) -> str:
    """Match a fraction whose digits beyond what the type keeps are zeros."""
    most_zeros = _MOST_FRACTION_DIGITS - digits
    if digits == 0:
        return rf"(?:\.0{{1,{most_zeros}}})?"
    return rf"(?:\.[0-9]{{1,{digits}}}0{{0,{most_zeros}}})?"
