"""Closure counted by Socrata: queries aggregate there, only the counts are downloaded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ingest.loaders.socrata.service_requests import IS_CLOSED, Selection, SodaRequests, read_since
from ingest.loaders.socrata.soql import Query
from reports.closure.arithmetic import Arithmetic
from reports.closure.tallies import DayCount, Tally

DAYS: dict[Arithmetic, str] = {
    "calendar": "date_diff_d(date_trunc_ymd(closed_date), date_trunc_ymd(created_date))",
    "week_of_year": (
        "(date_extract_y(closed_date) - date_extract_y(created_date)) * 365"
        " + (date_extract_woy(closed_date) - date_extract_woy(created_date)) * 7"
        " + case(date_extract_dow(closed_date) = 0, 7, true, date_extract_dow(closed_date))"
        " - case(date_extract_dow(created_date) = 0, 7, true, date_extract_dow(created_date))"
    ),
}


class SocrataRequests(SodaRequests):
    """The requests at Socrata, counted there."""

    def tally(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[Tally]:
        """Return a tally of each group."""
        days = DAYS[arithmetic]
        select = [
            *keys,
            "count(*) AS total",
            f"sum(case({IS_CLOSED}, 1, true, 0)) AS closed",
            f"sum(case({IS_CLOSED}, {days}, true, 0)) AS days",
            f"sum(case({IS_CLOSED} AND {days} <= 1, 1, true, 0)) AS within_a_day",
            "sum(case(closed_date < created_date, 1, true, 0)) AS before_created",
        ]
        query = Query(select=select, where=selection.as_soql(), group=list(keys))
        return [
            Tally(_keys(row, keys), *(int(row[name]) for name in Tally._fields[1:]))
            for row in self._soda.read_groups(query, timeout_s)
        ]

    def count_days(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[DayCount]:
        """Return each group's requests by the days they took; the selection is of closed ones."""
        query = Query(
            select=[*keys, f"{DAYS[arithmetic]} AS days", "count(*) AS requests"],
            where=selection.as_soql(),
            group=[*keys, "days"],
        )
        return [
            DayCount(keys=_keys(row, keys), days=int(row["days"]), requests=int(row["requests"]))
            for row in self._soda.read_groups(query, timeout_s)
        ]

    def find_newest(self, timeout_s: float) -> datetime | None:
        """Return the floating timestamp of the newest request, None without any."""
        found = self._soda.query(Query(select=["max(created_date) AS newest"]), timeout_s)
        newest = found[0].get("newest") if found else None
        return read_since(newest) if newest else None


def _keys(row: dict[str, Any], names: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(row.get(name) for name in names)
