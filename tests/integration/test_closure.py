"""Closure statistics: Socrata's counts and ours agree row for row."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from psycopg import Connection

from ingest.loaders.socrata.client import SodaClient
from ingest.loaders.socrata.restriction import Condition, RestrictionInvalid
from ingest.loaders.socrata.service_requests import (
    pull_data_created_since,
    pull_data_modified_since,
)
from project.base.database import writer_connection
from reports.closure.local_source import LocalRequests
from reports.closure.statistics import (
    pull_agg_closure_statistics_created_since,
    pull_agg_time_to_closure_statistics_created_since_closed_only,
    pull_closed_within_a_day_stats_since_x_weeks,
    pull_daily_closure_statistics_since_x_weeks,
    pull_full_closure_statistics_since_date,
    pull_full_closure_statistics_since_x_weeks,
    pull_raw_time_to_closure_statistics_created_since_closed_only,
)
from reports.closure.tallies import GroupUnknown
from tests.nyc311 import (
    PUBLISHED,
    QUICK,
    configure,
    generated_requests,
    load,
    publish,
    real_requests,
    stored_requests,
)
from tests.soda import DATASET, TOKEN, Row, SodaStandIn, serve_soda

NOW = datetime(2025, 1, 21, tzinfo=UTC)
SINCE = "2000-01-01T00:00:00"
GROUPS = [("agency",), ("agency", "complaint_type"), ("borough", "location_type")]
RESTRICTIONS = [
    None,
    "agency = 'NYPD'",
    "agency NOT IN ('NYPD', 'HPD') AND borough IS NOT NULL",
    [Condition("complaint_type", ">=", ("N",)), Condition("city", "is null")],
]


@pytest.fixture
def soda(database: None, settings: LazySettings) -> Iterator[SodaStandIn]:
    with serve_soda() as standin:
        settings.CONFIG = configure(django_settings.CONFIG, standin, page_rows=1000)
        yield standin


Fill = Callable[[list[Row]], None]


@pytest.fixture
def fill(soda: SodaStandIn, server: str, api_key: Callable[..., str]) -> Fill:
    """Return a function that publishes requests and loads them."""

    def publish_and_load(requests: list[Row]) -> None:
        publish(soda, requests)
        totals = load(soda, server, api_key("ingest"))
        assert totals.inserted == len(requests)

    return publish_and_load


@pytest.fixture
def client(soda: SodaStandIn) -> Iterator[SodaClient]:
    with SodaClient(soda.url, DATASET, retry=QUICK) as opened:
        yield opened


def make_request(key: int, created: str, closed: str | None, **fields: str) -> Row:
    """Return a request of the NYPD, closed where a moment is given."""
    row = {"unique_key": str(key), "created_date": created, "agency": "NYPD"}
    row |= {"complaint_type": "Noise", "status": "Closed" if closed else "Open"} | fields
    return row | ({"closed_date": closed} if closed else {})


def local() -> Connection:
    return writer_connection()


@pytest.mark.parametrize("requests", [real_requests, generated_requests])
def test_socrata_and_local_sql_return_the_same_rows(
    fill: Fill, client: SodaClient, requests: Callable[[], list[Row]]
) -> None:
    fill(requests())
    by_date = (
        pull_agg_closure_statistics_created_since,
        pull_agg_time_to_closure_statistics_created_since_closed_only,
        pull_raw_time_to_closure_statistics_created_since_closed_only,
        pull_full_closure_statistics_since_date,
    )
    by_weeks = (
        pull_full_closure_statistics_since_x_weeks,
        pull_daily_closure_statistics_since_x_weeks,
        pull_closed_within_a_day_stats_since_x_weeks,
    )
    for keys in GROUPS:
        for restriction in RESTRICTIONS:
            asked: dict[str, Any] = {"group_key": keys, "restrict_clause": restriction}
            for pull in by_date:
                rows = pull(SINCE, local(), **asked)
                assert rows == pull(SINCE, client, **asked)
                assert rows or restriction
            for count in by_weeks:
                asked_now = asked | {"now": NOW}
                rows = count(700, local(), **asked_now)
                assert rows == count(700, client, **asked_now)
                asked_now["arithmetic"] = "week_of_year"
                assert count(700, local(), **asked_now) == count(700, client, **asked_now)


def test_the_window_is_counted_from_now_in_new_york(fill: Fill) -> None:
    fill(generated_requests())
    rows = pull_full_closure_statistics_since_x_weeks(1, local(), now=NOW)
    assert {row["created_after_timestamp"] for row in rows} == {"2025-01-13T19:00:00.000"}
    assert {row["past_number_of_weeks"] for row in rows} == {1}
    expected = [
        one for one in generated_requests() if one["created_date"] >= "2025-01-13T19:00:00.000"
    ]
    assert sum(row["total"] for row in rows) == len(expected)


def test_the_figures_of_a_few_requests(fill: Fill) -> None:
    day = "2024-05-10T"
    fill(
        [
            make_request(1, f"{day}23:59:00.000", "2024-05-11T00:01:00.000"),
            make_request(2, f"{day}08:00:00.000", "2024-05-20T07:00:00.000"),
            make_request(3, f"{day}08:00:00.000", "2024-05-10T07:00:00.000"),
            make_request(4, f"{day}08:00:00.000", None),
            make_request(5, f"{day}08:00:00.000", None, status="Closed"),
            make_request(6, f"{day}08:00:00.000", "2024-05-12T07:00:00.000", status="Pending"),
        ]
    )
    (full,) = pull_full_closure_statistics_since_date("2024-05-10", local())
    assert full == {
        "agency": "NYPD",
        "total": 6,
        "closed": 3,
        "perc_closed": 0.5,
        "days_to_closure": 11 / 3,
        "number_of_records": 3,
        "closed_before_created": 1,
        "created_after_timestamp": "2024-05-10T00:00:00.000",
    }
    now = datetime(2024, 5, 15, tzinfo=UTC)
    (within,) = pull_closed_within_a_day_stats_since_x_weeks(1, local(), now=now)
    assert within["closed_within_a_day"] == 2 / 3
    assert within["overall_closed_within_a_day"] == 2 / 3 * 0.5
    daily = pull_daily_closure_statistics_since_x_weeks(1, local(), now=now)
    days = [(row["days_to_closure"], row["number_of_records"]) for row in daily]
    assert days == [(0, 1), (1, 1), (10, 1)]


def test_a_new_year_between_counts_as_a_day_unless_the_original_arithmetic_is_asked_for(
    fill: Fill, client: SodaClient
) -> None:
    fill([make_request(1, "2022-12-31T22:00:00.000", "2023-01-01T02:00:00.000")])
    pull = pull_agg_time_to_closure_statistics_created_since_closed_only
    for place in (local(), client):
        assert [row["days_to_closure"] for row in pull(SINCE, place)] == [1.0]
        original = pull(SINCE, place, arithmetic="week_of_year")
        assert [row["days_to_closure"] for row in original] == [366.0]


def test_requests_closed_before_they_were_created_are_counted_and_reported(fill: Fill) -> None:
    requests = real_requests()[2000:]
    fill(requests)
    before = [row for row in requests if row.get("closed_date", "9") < row["created_date"]]
    groups = pull_full_closure_statistics_since_date(SINCE, local())
    assert len(before) == 7
    assert {
        row["agency"]: row["closed_before_created"]
        for row in groups
        if row["closed_before_created"]
    } == {"DOHMH": 1, "DOT": 4, "DSNY": 2}
    assert sum(row["total"] for row in groups) == 1000
    assert sum(row["closed"] for row in groups) == 966


def test_a_restriction_is_understood_and_never_run(fill: Fill, client: SodaClient) -> None:
    fill([make_request(1, "2024-05-10T08:00:00.000", None, city="O'Neill's; DROP")])
    pull = pull_agg_closure_statistics_created_since
    for place in (local(), client):
        assert pull(SINCE, place, restrict_clause="city = 'O''Neill''s; DROP'")
        assert not pull(SINCE, place, restrict_clause="city = 'x'' OR 1=1 --'")
        with pytest.raises(RestrictionInvalid):
            pull(SINCE, place, restrict_clause="agency = 'NYPD' OR 1 = 1")
        with pytest.raises(GroupUnknown):
            pull(SINCE, place, restrict_clause="ctid = '(0,1)'")
        with pytest.raises(GroupUnknown):
            pull(SINCE, place, group_key=["agency; DROP TABLE x"])
    assert len(stored_requests()) == 1


def test_raw_requests_are_pulled_from_both_places(fill: Fill, client: SodaClient) -> None:
    requests = generated_requests()[:60]
    fill(requests)
    for place in (LocalRequests(local()), client):
        created = pull_data_created_since("2025-01-01", place)
        expected = {row["unique_key"] for row in requests if row["created_date"] >= "2025-01-01"}
        assert {str(row["unique_key"]) for row in created} == expected
        modified = pull_data_modified_since("2025-01-01", place)
        closed = "resolution_action_updated_date"
        expected = {row["unique_key"] for row in requests if row.get(closed, "") >= "2025-01-01"}
        assert {str(row["unique_key"]) for row in modified} == expected
        assert len(pull_data_created_since("2000-01-01", place, data_limit=7)) == 7


def test_soda_3_is_asked_with_a_token(fill: Fill, soda: SodaStandIn) -> None:
    fill(generated_requests())
    pull = pull_full_closure_statistics_since_date
    with SodaClient(soda.url, DATASET, token=TOKEN, version="3", retry=QUICK) as client:
        for keys in GROUPS:
            assert pull(SINCE, client, group_key=keys) == pull(SINCE, local(), group_key=keys)
        assert len(pull_data_created_since("2000-01-01", client)) == len(generated_requests())
    assert soda.tokens[-1] == TOKEN


def test_without_a_client_the_configured_site_is_asked(fill: Fill) -> None:
    fill([make_request(1, "2024-05-10T08:00:00.000", None)])
    (row,) = pull_agg_closure_statistics_created_since(SINCE)
    assert row == {"agency": "NYPD", "total": 1, "closed": 0, "perc_closed": 0.0}


def test_a_data_frame_is_returned_where_one_is_asked_for(fill: Fill) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    fill([make_request(1, "2024-05-10T08:00:00.000", "2024-05-12T08:00:00.000")])
    pull = pull_full_closure_statistics_since_date
    frame = pull(SINCE, local(), frame="polars")
    assert isinstance(frame, polars.DataFrame)
    assert frame.to_dicts() == pull(SINCE, local())
    empty = pull("2030-01-01", local(), frame="polars")
    assert (empty.columns, len(empty)) == (frame.columns, 0)


def test_published_again_a_request_is_counted_once(fill: Fill, soda: SodaStandIn) -> None:
    request = make_request(1, "2024-05-10T08:00:00.000", None)
    fill([request])
    publish(soda, [request], PUBLISHED)
    (row,) = pull_agg_closure_statistics_created_since(SINCE)
    assert row["total"] == 1
