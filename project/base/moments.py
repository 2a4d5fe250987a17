"""Points in time as query parameters, and their place among time-ordered ids."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from project.base.errors import BadParameter

# A batch's id is made a moment before its time is taken.
ID_MARGIN = timedelta(seconds=1)


def parse_moment(text: str, *, parameter: str) -> datetime:
    """Return an ISO 8601 point in time with its offset; raise `BadParameter` for anything else."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            # PostgreSQL takes no offset beyond 15:59, Python up to 23:59.
            return moment.astimezone(UTC)
    raise BadParameter(
        f"{parameter} must be a time such as 2021-07-27T16:02:08Z (write + as %2B)",
        parameter=parameter,
    )


def lowest_id(moment: datetime) -> UUID:
    """Return an id that no batch of this moment or later is below (UUIDs of version 7).

    It lets the index on the ids find a span of time.
    """
    milliseconds = max(int((moment - ID_MARGIN).timestamp() * 1000), 0)
    return UUID(int=milliseconds << 80)


def highest_id(moment: datetime) -> UUID:
    """Return an id that no batch before this moment is above."""
    return lowest_id(moment + 2 * ID_MARGIN)
