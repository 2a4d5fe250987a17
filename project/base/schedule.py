"""Five-field cron expressions, read in a time zone; weekdays by name only."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

# Numbers mean different days to different programs (0 is Sunday to cron and Monday to others),
# so a weekday is written by its name.
_DAY = f"(?:{'|'.join(WEEKDAYS)})"
_WEEKDAY_FIELD = re.compile(rf"\*|{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*")
_NUMBER_FIELD = re.compile(r"[0-9*/,-]+")
_MONTH_FIELD = re.compile(r"[0-9a-z*/,-]+")


class BadSchedule(ValueError):
    """The text is not a five-field cron expression, or the time zone is unknown."""


@dataclass(frozen=True)
class Schedule:
    """When a job is due: `minute hour day month weekday` in a time zone."""

    expression: str
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        check_expression(self.expression)
        read_time_zone(self.time_zone)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return read_time_zone(self.time_zone)

    def latest(self, now: datetime) -> datetime:
        """Return the last moment, `now` included, at which the job was due."""
        # Going backwards, the whole second that a fraction belongs to is the first candidate.
        start = now.astimezone(self._zone).replace(microsecond=1)
        return next(CronSim(self.expression, start, reverse=True)).astimezone(UTC)

    def following(self, now: datetime) -> datetime:
        """Return the first moment after `now` at which the job is due."""
        return next(CronSim(self.expression, now.astimezone(self._zone))).astimezone(UTC)

    def for_cron(self, cron_zone: str | None) -> str:
        """Return the expression for the crontab of a machine in a time zone, None if unknown.

        cron reads its lines in the machine's own zone. Where that is another one, the line calls
        every hour (every minute, where the two are not whole hours apart) and the job itself
        finds out if it is due.
        """
        fields = self.expression.lower().split()
        if cron_zone != self.time_zone:
            minute = fields[0] if self._is_whole_hours_from(cron_zone) else "*"
            return f"{minute} * * * *"
        numbers = re.sub(_DAY, lambda day: str(WEEKDAYS.index(day[0])), fields[4])
        return " ".join([*fields[:4], numbers])

    def _is_whole_hours_from(self, cron_zone: str | None) -> bool:
        if cron_zone is None:
            return False
        other = read_time_zone(cron_zone)
        year = datetime.now(UTC).year
        for month in range(1, 13):
            moment = datetime(year, month, 15, tzinfo=UTC)
            here, there = moment.astimezone(self._zone), moment.astimezone(other)
            if here.minute != there.minute:
                return False
        return True


def check_expression(expression: str) -> None:
    """Raise `BadSchedule` with the reason where the text is not an expression we accept."""
    fields = expression.lower().split()
    if len(fields) != 5:
        raise BadSchedule(f"{expression!r} must have five fields: minute hour day month weekday")
    for name, field in zip(("minute", "hour", "day", "month"), fields, strict=False):
        pattern = _MONTH_FIELD if name == "month" else _NUMBER_FIELD
        if not pattern.fullmatch(field):
            raise BadSchedule(f"{expression!r}: {field!r} is not a {name}")
    if not _WEEKDAY_FIELD.fullmatch(fields[4]):
        raise BadSchedule(
            f"{expression!r}: weekdays are written by name ({', '.join(WEEKDAYS)}), "
            f"not {fields[4]!r}"
        )
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise BadSchedule(f"{expression!r}: {error}") from error
    except StopIteration as error:
        raise BadSchedule(f"{expression!r} never comes") from error


def read_time_zone(name: str) -> ZoneInfo:
    """Return the time zone with this name (Europe/Lisbon); raise `BadSchedule` for any other."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadSchedule(f"{name!r} is not a time zone, as Europe/Lisbon is one") from error
