"""manage.py closure_statistics: the three statistics on the command line."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings

from ingest.loaders.socrata.service_requests import NEW_YORK
from reports.closure.arithmetic import is_closed
from reports.management.commands.closure_statistics import Command
from tests.nyc311 import configure, load, publish
from tests.soda import Row, SodaStandIn, serve_soda

AGENCIES = ("DOT", "HPD", "NYPD")


def make_requests() -> list[Row]:
    """Return requests of the last weeks before now, two thirds of them closed."""
    now = datetime.now(NEW_YORK).replace(tzinfo=None)
    requests: list[Row] = []
    for number in range(60):
        created = now - timedelta(days=2.5 + number)
        row = {"unique_key": str(70_000_000 + number), "agency": AGENCIES[number % 3]}
        row |= {"created_date": created.isoformat(timespec="milliseconds")}
        row |= {"complaint_type": f"Type {number % 4}", "status": "Open"}
        if number % 2 or number % 3:
            closed = created + timedelta(hours=number)
            row |= {"status": "Closed", "closed_date": closed.isoformat(timespec="milliseconds")}
        requests.append(row)
    return requests


@pytest.fixture
def soda(
    database: None, settings: LazySettings, server: str, api_key: Callable[..., str]
) -> Iterator[SodaStandIn]:
    """Serve requests of the last weeks, and load them."""
    with serve_soda() as standin:
        settings.CONFIG = configure(django_settings.CONFIG, standin)
        publish(standin, make_requests())
        load(standin, server, api_key("ingest"))
        yield standin


def run(*arguments: str) -> int:
    try:
        Command().run_from_argv(["manage.py", "closure_statistics", *arguments])
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def read_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, list[Row]]:
    assert run("--format", "json", *arguments) == 0
    found: dict[str, list[Row]] = json.loads(capsys.readouterr().out)
    return found


def test_three_statistics_are_the_same_here_and_at_socrata(
    soda: SodaStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--weeks", "4", "--group-by", "agency,complaint_type", "--restrict", "agency != 'DOT'")
    here = read_json(capsys, *asked)
    assert here == read_json(capsys, *asked, "--at-socrata")
    assert list(here) == ["closure", "daily", "within_a_day"]
    recent = [row for row in make_requests()[:29] if row["agency"] != "DOT"]
    assert sum(row["total"] for row in here["closure"]) == len(recent)
    closed = sum(map(is_closed, recent))
    assert sum(row["number_of_records"] for row in here["daily"]) == closed
    assert sum(row["number_of_records"] for row in here["within_a_day"]) == closed


def test_each_statistic_is_written_to_a_file(
    soda: SodaStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--weeks", "12", "--csv", str(tmp_path / "out")) == 0
    assert capsys.readouterr().out == ""
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"closure.csv", "daily.csv", "within_a_day.csv"}
    with (tmp_path / "out" / "closure.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["agency"] for row in rows] == list(AGENCIES)
    assert sum(int(row["total"]) for row in rows) == 60


def test_tables_are_printed_for_people(
    soda: SodaStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--weeks", "12") == 0
    out = capsys.readouterr().out
    assert [text for text in ("daily", "within a day", *AGENCIES) if text not in out] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--weeks", "0"),
        ("--group-by", "unique_key"),
        ("--restrict", "agency = 'a' OR 1 = 1"),
        ("--arithmetic", "lunar"),
    ],
)
def test_a_bad_option_is_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments) == 2
