"""Points in time as query parameters, and their place among time-ordered ids."""

from datetime import datetime, timedelta
from uuid import UUID

from project.errors import BadParameter

# A batch's id is made a moment before its time is taken.
ID_MARGIN = timedelta(seconds=1)


def parse_moment(text: str, *, parameter: str) -> datetime:
    """Return an ISO 8601 point in time with its offset; raise `BadParameter` for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadParameter(
            f"{parameter} must be a time such as 2021-07-27T16:02:08Z (write + as %2B)",
            parameter=parameter,
        )
    return moment


def lowest_id(moment: datetime) -> UUID:
    """Return an id that no batch of this moment or later is below (UUIDs of version 7).

    It lets the index on the ids find a span of time.
    """
    milliseconds = max(int((moment - ID_MARGIN).timestamp() * 1000), 0)
    return UUID(int=milliseconds << 80)


def highest_id(moment: datetime) -> UUID:
    """Return an id that no batch before this moment is above."""
    return lowest_id(moment + 2 * ID_MARGIN)
