"""The portal's own CSV export: 41 columns with spaces in their names, dates as in 06/26/2018."""

import csv
from collections.abc import Callable
from datetime import datetime

import pytest
from django.conf import settings

from ingest.management.commands.load import Command
from tests.needs import need
from tests.nyc311 import stored_requests, table_columns

EXPORT = settings.BASE_DIR.parent / "shared" / "data" / "nyc311" / "portal_export_2018.csv"
# The only two of its names that differ from a column's by more than case, spaces and underscores.
COLUMNS = (
    "X Coordinate (State Plane)=x_coordinate_state_plane,"
    "Y Coordinate (State Plane)=y_coordinate_state_plane"
)
DATES = "%m/%d/%Y %I:%M:%S %p"


@pytest.fixture
def load(server: str, api_key: Callable[..., str]) -> Callable[..., int]:
    """Return a function that loads the export and returns the exit code."""
    need(EXPORT.exists(), f"{EXPORT} is not there")
    key = api_key("read", "ingest")

    def run(*options: str) -> int:
        argv = ["manage.py", "load", "service_requests", str(EXPORT), "--url", server, "--key", key]
        argv += ["--columns", COLUMNS, "--date-format", DATES, "--quiet", *options]
        try:
            Command().run_from_argv(argv)
        except SystemExit as leaving:
            return int(leaving.code or 0)
        return 0

    return run


def test_every_row_of_the_export_is_stored_as_it_says(load: Callable[..., int]) -> None:
    assert load() == 0
    columns = table_columns()
    stored = {row[0]: dict(zip(columns, row, strict=True)) for row in stored_requests()}
    with EXPORT.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(stored) == len(rows) == 1000
    for row in rows:
        found = stored[int(row["Unique Key"])]
        moment = datetime.strptime(row["Created Date"], DATES)  # noqa: DTZ007 - floating
        assert found["created_date"] == moment
        assert (found["closed_date"] is None) == (row["Closed Date"] == "")
        assert found["resolution_description"] == (row["Resolution Description"] or None)
        assert found["location"] == (row["Location"] or None)
        feet = row["X Coordinate (State Plane)"]
        assert found["x_coordinate_state_plane"] == (int(feet) if feet else None)


def test_a_second_load_changes_nothing(load: Callable[..., int]) -> None:
    assert load() == 0
    stored = stored_requests()
    assert load("--on-conflict", "update") == 0
    assert stored_requests() == stored
    assert load() == 3
