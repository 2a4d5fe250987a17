"""ISO 8601 dates to the minute with an offset, and time zones by their IANA name."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Offsets are whole minutes from 1973 on; later years are refused as typing errors.
FIRST_YEAR = 1973
LAST_YEAR = 2199
_PATTERN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):?(\d\d)(?::00(?:\.0+)?)?"
    r"(?P<offset>Z|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)?",
    re.ASCII,
)


def parse_timestamp(text: str) -> datetime:
    """Return the timestamp with the offset it is written with, or UTC; raise ValueError."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("not an ISO 8601 date and time to the minute, such as 2019-10-21T00:00-07")
    year, month, day, hour, minute = map(int, match.group(1, 2, 3, 4, 5))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year must be from {FIRST_YEAR} to {LAST_YEAR}")
    return datetime(year, month, day, hour, minute, tzinfo=_offset(match))


def _offset(match: re.Match[str]) -> tzinfo:
    if not match["sign"]:
        return UTC
    minutes = int(match["minutes"] or 0)
    if minutes > 59:
        raise ValueError("an offset has less than 60 minutes")
    offset = timedelta(hours=int(match["hours"]), minutes=minutes)
    if offset > timedelta(hours=18):
        raise ValueError("an offset is at most 18 hours")
    return timezone(-offset if match["sign"] == "-" else offset)


def format_timestamp(timestamp: datetime, zone: tzinfo) -> str:
    """Return the timestamp in the zone, with the shortest offset: Z, -07, +05:30."""
    local = timestamp.astimezone(zone)
    text = local.strftime("%Y-%m-%dT%H:%M")
    offset = local.utcoffset() or timedelta()
    if not offset:
        return text + "Z"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    sign = "-" if offset < timedelta() else "+"
    return f"{text}{sign}{hours:02}" + (f":{minutes:02}" if minutes else "")


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone of this IANA name; raise ValueError for any other."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not the IANA name of a time zone, such as America/New_York") from error
