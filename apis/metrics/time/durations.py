"""ISO 8601 durations that can be the length of an interval: PT15M, PT1H, P1D, P1W, P1M."""

import re
from dataclasses import dataclass
from typing import Literal

Unit = Literal["minute", "day", "week", "month"]

DAY_MINUTES = 24 * 60
_MINUTES = {"minute": 1, "day": DAY_MINUTES, "week": 7 * DAY_MINUTES, "month": 30 * DAY_MINUTES}
_DESIGNATORS = {"day": "D", "week": "W", "month": "M"}
_PATTERN = re.compile(
    r"P(?:(?P<year>\d{1,4})Y|(?P<month>\d{1,4})M|(?P<week>\d{1,4})W|(?P<day>\d{1,4})D"
    r"|T(?=\d)(?:(?P<hour>\d{1,4})H)?(?:(?P<minute>\d{1,4})M)?)",
    re.ASCII,
)


class DurationInvalid(ValueError):
    """The text is no duration that a day, a week or a year divides into."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A number of minutes that divides a day, a day, a week, or months that divide a year."""

    unit: Unit
    count: int

    def __str__(self) -> str:
        if self.unit != "minute":
            return f"P{self.count}{_DESIGNATORS[self.unit]}"
        hours, minutes = divmod(self.count, 60)
        return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")

    @property
    def rough_minutes(self) -> int:
        """Its length for comparing; days and months differ in theirs."""
        return _MINUTES[self.unit] * self.count


def parse_duration(text: str) -> Duration:
    """Return the duration; raise `DurationInvalid` for one that makes no grid of intervals.

    PT60M is PT1H and P12M is P1Y; PT24H is not P1D, which has 23 or 25 hours at times.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise DurationInvalid("not an ISO 8601 duration of one unit")
    parts = {name: int(number) for name, number in match.groupdict().items() if number}
    if "day" in parts or "week" in parts:
        ((unit, count),) = parts.items()
        if count != 1:
            raise DurationInvalid(f"only one {unit} at a time")
        return Duration("day" if unit == "day" else "week", 1)
    if "year" in parts or "month" in parts:
        months = parts.get("year", 0) * 12 + parts.get("month", 0)
        return Duration("month", _check_divisor(months, 12, "months of a year"))
    minutes = parts.get("hour", 0) * 60 + parts.get("minute", 0)
    if minutes == DAY_MINUTES:
        raise DurationInvalid("a day is P1D")
    return Duration("minute", _check_divisor(minutes, DAY_MINUTES, "minutes of a day"))


def _check_divisor(count: int, whole: int, what: str) -> int:
    if not 0 < count <= whole or whole % count:
        raise DurationInvalid(f"it must divide the {whole} {what}")
    return count
