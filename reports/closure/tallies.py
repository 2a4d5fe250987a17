"""What is counted about the closure of requests, and what it can be grouped by."""

from collections.abc import Sequence
from typing import NamedTuple

from project.base.errors import RowhouseError

# What requests can be grouped and restricted by: the columns with few values.
GROUP_COLUMNS = (
    *("agency", "agency_name", "complaint_type", "descriptor", "location_type", "incident_zip"),
    *("address_type", "city", "facility_type", "status", "community_board", "borough"),
    *("open_data_channel_type", "park_facility_name", "park_borough", "vehicle_type"),
    *("taxi_company_borough", "bridge_highway_name"),
)


class GroupUnknown(RowhouseError):
    """Requests cannot be grouped or restricted by this."""

    code = "group_unknown"


class Tally(NamedTuple):
    """The counts of one group of requests."""

    keys: tuple[str | None, ...]
    total: int
    closed: int
    days: int  # of all closed requests together
    within_a_day: int  # closed after one calendar day at most
    before_created: int  # closed_date earlier than created_date, in any status


class DayCount(NamedTuple):
    """How many closed requests of one group took so many days."""

    keys: tuple[str | None, ...]
    days: int
    requests: int


def check_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the names; raise `GroupUnknown` for an unknown or repeated one, or none at all."""
    for name in keys:
        if name not in GROUP_COLUMNS:
            known = ", ".join(GROUP_COLUMNS)
            raise GroupUnknown(f"{name[:100]!r} is not one of {known}")
    if len(set(keys)) < len(keys) or not keys:
        raise GroupUnknown("Name one or more different columns")
    return tuple(keys)
