"""Points in time as query parameters, and their place among time-ordered ids."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from project.base.errors import BadParameter

# A batch's id is made a moment before its time is taken.
ID_MARGIN = timedelta(seconds=1)


def parse_moment(text: str, *, parameter: str) -> datetime:
    """Return an ISO 8601 point in time with its offset; raise `BadParameter` for anything else."""
    moment = _read_moment(text)
    if moment is None:
        raise BadParameter(
            f"{parameter} must be a time such as 2021-07-27T16:02:08Z (write + as %2B)",
            parameter=parameter,
        )
    return moment


def _read_moment(text: str) -> datetime | None:
    """Return it in UTC: PostgreSQL takes no offset beyond 15:59, Python up to 23:59."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def lowest_id(moment: datetime) -> UUID:
    """Return an id that no batch of this moment or later is below (UUIDs of version 7).

    It lets the index on the ids find a span of time.
    """
    milliseconds = max(int((moment - ID_MARGIN).timestamp() * 1000), 0)
    return UUID(int=milliseconds << 80)


def highest_id(moment: datetime) -> UUID:
    """Return an id that no batch before this moment is above."""
    return lowest_id(moment + 2 * ID_MARGIN)
