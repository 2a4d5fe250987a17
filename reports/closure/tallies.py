"""What is counted about the closure of requests, and what a place that counts it offers."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from ingest.loaders.socrata.requests import RequestSource, Selection
from project.base.errors import RowhouseError
from reports.closure.etl import Arithmetic

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
    """What became of one group of requests."""

    keys: tuple[str | None, ...]
    total: int
    closed: int
    days: int  # of all closed requests together
    within_a_day: int  # closed after one calendar day at most
    before_created: int  # whose closed_date lies before the created_date, whatever their status


class DayCount(NamedTuple):
    """How many closed requests of one group took so many days."""

    keys: tuple[str | None, ...]
    days: int
    requests: int


class ClosureSource(RequestSource, Protocol):
    """A place that counts service requests itself."""

    def tally(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[Tally]:
        """Return a tally of each group, in any order."""

    def count_days(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[DayCount]:
        """Return each group's closed requests by the days they took, in any order."""

    def find_newest(self, timeout_s: float) -> datetime | None:
        """Return the floating moment when the newest request was made, None without any."""


def check_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the names as they are; raise `GroupUnknown` for one that is none, or comes twice."""
    for name in keys:
        if name not in GROUP_COLUMNS:
            known = ", ".join(GROUP_COLUMNS)
            raise GroupUnknown(f"{name[:100]!r} is not one of {known}")
    if len(set(keys)) < len(keys) or not keys:
        raise GroupUnknown("Name one or more different columns")
    return tuple(keys)
