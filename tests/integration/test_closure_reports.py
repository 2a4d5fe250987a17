"""The closure reports say what the statistics' functions say about the same window."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils.dateparse import parse_datetime
from psycopg.sql import SQL, Identifier

from db_setup.nyc311.sample import rows
from project.base.database import writer_connection
from reports.closure.statistics import (
    pull_closed_within_a_day_stats_since_x_weeks,
    pull_daily_closure_statistics_since_x_weeks,
    pull_full_closure_statistics_since_x_weeks,
)
from tests.api.sending import send

WEEKS = 12
AGENCY = ("agency",)
BOTH = ("agency", "complaint_type")
FUNCTIONS: dict[str, tuple[Callable[..., list[dict[str, Any]]], tuple[str, ...]]] = {
    "closure_by_agency": (pull_full_closure_statistics_since_x_weeks, AGENCY),
    "closure_by_complaint_type": (pull_full_closure_statistics_since_x_weeks, BOTH),
    "closure_days_histogram": (pull_daily_closure_statistics_since_x_weeks, AGENCY),
    "closed_within_a_day": (pull_closed_within_a_day_stats_since_x_weeks, BOTH),
}


@pytest.fixture
def newest(client: Client) -> datetime:
    """Ingest the sample rows; return the creation of the newest one that is stored."""
    batch = [row for _, row in rows(1)]
    for start in range(0, len(batch), 1000):
        send(client, "nyc311.service_requests", batch[start : start + 1000])
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(created_date) FROM nyc311.service_requests")
        found: datetime = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_report_has_the_figures_of_its_function(
    client: Client, newest: datetime, name: str
) -> None:
    count, keys = FUNCTIONS[name]
    expected = count(WEEKS, writer_connection(), group_key=keys, now=newest)
    assert client.post(f"/api/reports/{name}/refresh").status_code == 200
    found = client.get(f"/api/reports/{name}").json()["results"]
    assert len(found) == len(expected) > 0
    by_group = {_group(row, name): row for row in found}
    for row in expected:
        for column, value in row.items():
            shown = by_group[_group(row, name)].get(column, value)
            if column == "created_after_timestamp":
                shown, value = (parse_datetime(str(one)) for one in (shown, value))
            assert shown == pytest.approx(value) if isinstance(value, float) else shown == value


def _group(row: dict[str, Any], name: str) -> tuple[Any, ...]:
    keys = FUNCTIONS[name][1]
    days = ("days_to_closure",) if name == "closure_days_histogram" else ()
    return tuple(row[key] for key in (*keys, *days))


def test_the_trend_has_the_mean_of_each_agency_s_closures_of_each_week(
    client: Client, newest: datetime
) -> None:
    assert client.post("/api/reports/closure_trend/refresh").status_code == 200
    found = client.get("/api/reports/closure_trend").json()["results"]
    expected: dict[tuple[str, str], list[int]] = {}
    for row in (row for row in stored_requests() if row["status"] == "Closed"):
        closed = row["closed_date"].date()
        week = closed - timedelta(days=closed.weekday())
        days = (closed - row["created_date"].date()).days
        expected.setdefault((week.isoformat(), row["agency"]), []).append(days)
    assert {(row["week"], row["agency"]): row["number_of_records"] for row in found} == {
        key: len(days) for key, days in expected.items()
    }
    for row in found:
        days = expected[row["week"], row["agency"]]
        assert row["days_to_closure"] == pytest.approx(sum(days) / len(days))
    assert len({row["week"] for row in found}) == 13


def stored_requests() -> list[dict[str, Any]]:
    names = ("agency", "status", "created_date", "closed_date")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(names)} FROM nyc311.service_requests")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("name", [*FUNCTIONS, "closure_trend"])
def test_a_report_keeps_a_daily_history_and_has_a_page_with_a_chart(
    client: Client, newest: datetime, name: str
) -> None:
    client.post(f"/api/reports/{name}/refresh")
    with connection.cursor() as cursor:
        history = Identifier("reports", f"{name}_history")
        cursor.execute(SQL("SELECT DISTINCT snapshot_date FROM {}").format(history).as_string())
        assert cursor.fetchall() == [(datetime.now(UTC).date(),)]
    page = client.get(f"/reports/{name}/").content.decode()
    assert 'class="chart"' in page
