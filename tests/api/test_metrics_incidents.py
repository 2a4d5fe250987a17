"""Metrics over the 311 requests of New York, whose times are the city's own."""

import msgspec
import pytest
from django.conf import settings
from django.test import Client

from project.base.config import Dataset
from tests.api.sending import execute, stored
from tests.vehicles import ask_rows

pytestmark = pytest.mark.usefixtures("database")

TABLE = """
CREATE TABLE nyc311.service_requests (
  unique_key bigint PRIMARY KEY, created_date timestamp NOT NULL, closed_date timestamp,
  agency text NOT NULL, complaint_type text NOT NULL, borough text)
"""
ROWS = """
INSERT INTO nyc311.service_requests
  (unique_key, created_date, closed_date, agency, complaint_type, borough)
VALUES
  (1, '2019-11-02T23:59:59', '2019-11-03T23:59:59', 'NYPD', 'Noise', 'BRONX'),
  (2, '2019-11-03T00:00:00', '2019-11-03T00:10:00', 'NYPD', 'Noise', 'QUEENS'),
  (3, '2019-11-03T23:30:00', '2019-11-03T23:00:00', 'NYPD', 'Noise', 'QUEENS'),
  (4, '2019-11-04T00:00:00', NULL, 'DSNY', 'Dirt', NULL)
"""


@pytest.fixture
def requests(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have four requests, also where the dataset is not set up."""
    datasets = {"nyc311": Dataset()} | settings.CONFIG.datasets
    config = msgspec.structs.replace(settings.CONFIG, datasets=datasets)
    monkeypatch.setattr(settings, "CONFIG", config)
    execute("CREATE SCHEMA IF NOT EXISTS nyc311")
    if stored("SELECT to_regclass('nyc311.service_requests') IS NULL") == [(True,)]:
        execute(TABLE)
    execute(ROWS)


def test_days_are_those_of_new_york(client: Client, requests: None) -> None:
    rows = ask_rows(
        client,
        "incidents.created.count",
        "incidents.closed.count",
        "incidents.time_to_closure.avg",
        "incidents.time_to_closure.med",
        interval="P1D",
        timezone="America/New_York",
        start_date="2019-11-02T00:00-04",
        end_date="2019-11-04T00:00-05",
    )
    # From the end of the second to that of the third, when clocks go back, are 25 hours; the
    # request that was closed before it was made is left out.
    mean = (25 * 3600 + 600) / 2
    assert rows == [
        ["2019-11-02T00:00-04", 1, 0, None, None],
        ["2019-11-03T00:00-04", 2, 3, mean, mean],
        ["2019-11-04T00:00-05", 1, 0, None, None],
    ]


def test_requests_are_counted_by_borough(client: Client, requests: None) -> None:
    rows = ask_rows(
        client,
        "incidents.created.count",
        interval="P1M",
        timezone="America/New_York",
        start_date="2019-11-01T00:00-04",
        dimensions=["borough"],
        filters=[{"name": "agency", "values": ["NYPD"]}],
    )
    assert rows == [
        ["2019-11-01T00:00-04", "BRONX", 1],
        ["2019-11-01T00:00-04", "QUEENS", 2],
    ]
