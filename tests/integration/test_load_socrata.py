"""load_socrata from a stand-in for the city's site into the service itself."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.db import connection

from ingest.loaders.delivery import LoadStopped
from ingest.loaders.socrata.load import load_changes
from ingest.management.commands.load_socrata import Command
from ingest.models import Batch, Rejection, SocrataMark
from tests.nyc311 import (
    configure,
    generated_requests,
    load,
    publish,
    real_requests,
    stored_requests,
    table_columns,
)
from tests.soda import SodaStandIn, serve_soda
from tests.waiting import PATIENCE_S


@pytest.fixture
def soda(database: None, settings: LazySettings) -> Iterator[SodaStandIn]:
    """Serve a stand-in for the city's site, and configure it."""
    with serve_soda() as standin:
        settings.CONFIG = configure(django_settings.CONFIG, standin)
        yield standin


@pytest.fixture
def key(api_key: Callable[..., str]) -> str:
    return api_key("ingest", "read")


def column(name: str) -> dict[int, Any]:
    place = table_columns().index(name)
    return {row[0]: row[place] for row in stored_requests()}


def test_every_request_of_three_real_days_is_stored_once_however_often_it_is_loaded(
    soda: SodaStandIn, server: str, key: str
) -> None:
    requests = real_requests()[:2000]
    publish(soda, requests)
    first = load(soda, server, key)
    assert (first.received, first.inserted, first.rejected) == (2000, 2000, 0)
    stored = stored_requests()
    again = load(soda, server, key, since_modified=datetime(2023, 1, 1, tzinfo=UTC))
    assert (again.received, again.inserted, again.rejected) == (2000, 0, 0)
    assert again.updated + again.ignored == 2000
    assert stored_requests() == stored
    assert {row[0] for row in stored} == {int(row["unique_key"]) for row in requests}


def test_a_value_is_stored_as_socrata_has_it(soda: SodaStandIn, server: str, key: str) -> None:
    request = {
        "unique_key": "59674686",
        "created_date": "2023-12-08T12:00:00.000",
        "agency": "DSNY",
        "complaint_type": "Derelict Vehicles",
        "latitude": "40.85198589447398",
        "x_coordinate_state_plane": "1004051",
        "location": {"type": "Point", "coordinates": [-73.928425466766, 40.851985894474]},
    }
    publish(soda, [request])
    load(soda, server, key)
    (row,) = stored_requests()
    stored = dict(zip(table_columns(), row, strict=True))
    assert stored["created_date"] == datetime.fromisoformat("2023-12-08T12:00")
    assert stored["latitude"] == 40.85198589447398
    assert str(stored["x_coordinate_state_plane"]) == "1004051"
    assert stored["location"] == "(40.851985894474, -73.928425466766)"
    assert stored["status"] is None


def test_only_what_changed_is_loaded_the_next_time(
    soda: SodaStandIn, server: str, key: str
) -> None:
    requests = generated_requests()
    publish(soda, requests)
    load(soda, server, key)
    assert load(soda, server, key).received == 0
    changed = [row | {"status": "Reopened"} for row in requests[:7]]
    publish(soda, changed, "2023-12-12T03:00:00.000Z")
    totals = load(soda, server, key)
    assert (totals.received, totals.inserted, totals.updated) == (7, 0, 7)
    assert list(column("status").values()).count("Reopened") == 7
    assert load(soda, server, key).received == 0


def test_a_value_that_was_removed_at_the_source_becomes_null(
    soda: SodaStandIn, server: str, key: str
) -> None:
    request = next(row for row in generated_requests() if row["status"] == "Closed")
    publish(soda, [request])
    load(soda, server, key)
    reopened = {name: value for name, value in request.items() if name != "closed_date"}
    publish(soda, [reopened | {"status": "Open"}], "2023-12-12T03:00:00.000Z")
    load(soda, server, key)
    assert set(column("closed_date").values()) == {None}


def test_a_scope_by_creation_is_kept_by_later_loads(
    soda: SodaStandIn, server: str, key: str
) -> None:
    requests = generated_requests()
    since = datetime.fromisoformat("2025-01-01")
    wanted = [row for row in requests if row["created_date"] >= since.isoformat()]
    publish(soda, requests)
    assert load(soda, server, key, since_created=since).inserted == len(wanted)
    publish(soda, requests, "2023-12-12T03:00:00.000Z")
    assert load(soda, server, key).received == len(wanted)


def test_a_busy_site_only_delays_a_load(soda: SodaStandIn, server: str, key: str) -> None:
    requests = generated_requests()
    publish(soda, requests)
    soda.faults = ["503", "429", "drop", "500", "cut", "429", "429", "drop", "cut", "502"]
    assert load(soda, server, key).inserted == len(requests)
    assert not soda.faults


def test_rows_that_the_service_rejects_do_not_stop_a_load(
    soda: SodaStandIn, server: str, key: str
) -> None:
    requests = generated_requests()
    del requests[50]["agency"]
    publish(soda, requests)
    totals = load(soda, server, key)
    assert (totals.inserted, totals.rejected) == (len(requests) - 1, 1)
    assert Rejection.objects.get().codes == ["null_not_allowed"]
    assert load(soda, server, key).received == 0


def test_a_load_that_stops_amid_twenty_pages_is_resumed_after_the_last_one(
    soda: SodaStandIn, server: str, key: str
) -> None:
    publish(soda, generated_requests()[:2000])
    load(soda, server, key)
    expected = stored_requests()
    forget(soda)
    soda.before_page = lambda number: "400" if number == 11 else None
    with pytest.raises(LoadStopped, match="400"):
        load(soda, server, key)
    mark = SocrataMark.objects.get()
    assert (mark.rows, len(stored_requests())) == (1000, 1000)
    soda.before_page = lambda number: None
    soda.queries.clear()
    assert load(soda, server, key).received == 1000
    assert stored_requests() == expected
    pages = [query for query in soda.queries if query.get("$order") == ":id"]
    assert f":id > '{mark.position}'" in pages[0]["$where"]
    assert SocrataMark.objects.get().high is None


def test_a_killed_load_is_resumed_without_loss_or_doubles(
    soda: SodaStandIn, server: str, key: str, tmp_path: Path
) -> None:
    publish(soda, generated_requests()[:2000])
    load(soda, server, key)
    expected = stored_requests()
    forget(soda)
    started = threading.Event()
    processes: list[subprocess.Popen[bytes]] = []

    def kill_at_the_eleventh(number: int) -> None:
        if number == 11 and started.wait(PATIENCE_S):
            processes[0].kill()
            processes[0].wait()

    soda.before_page = kill_at_the_eleventh
    processes.append(start_command(soda, tmp_path, "nyc311", "--url", server, "--key", key))
    started.set()
    assert processes[0].wait(PATIENCE_S) == -9
    assert 0 < len(stored_requests()) < 2000
    soda.before_page = lambda number: None
    soda.pages = 0
    load(soda, server, key)
    assert stored_requests() == expected
    assert soda.pages < 20 + 1


def test_rows_modified_while_a_load_runs_are_in_the_next_one(
    soda: SodaStandIn, server: str, key: str
) -> None:
    requests = generated_requests()[:500]
    late = [row | {"status": "Late"} for row in requests]
    publish(soda, requests)

    def modify(number: int) -> None:
        if number == 3:
            publish(soda, late, "2023-12-12T03:00:00.000Z")

    soda.before_page = modify
    load(soda, server, key)
    soda.before_page = lambda number: None
    load(soda, server, key)
    assert set(column("status").values()) == {"Late"}


def test_another_order_leaves_a_stopped_load_unfinished(
    soda: SodaStandIn, server: str, key: str
) -> None:
    publish(soda, generated_requests()[:500])
    soda.before_page = lambda number: "400" if number == 3 else None
    with pytest.raises(LoadStopped):
        load(soda, server, key)
    soda.before_page = lambda number: None
    assert load(soda, server, key, restart=True).received == 500


def test_the_command_says_what_became_of_the_rows(
    soda: SodaStandIn, server: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(soda, generated_requests()[:150])
    run("nyc311", "--url", server, "--key", key)
    assert capsys.readouterr().out == (
        "nyc311: 150 rows received: 150 inserted, 0 updated, 0 ignored, 0 rejected\n"
    )


def test_the_command_exits_with_3_where_rows_were_rejected_and_1_where_the_load_failed(
    soda: SodaStandIn, server: str, key: str
) -> None:
    requests = generated_requests()[:20]
    publish(soda, [*requests[1:], requests[0] | {"agency": None}])
    assert run("nyc311", "--url", server, "--key", key, "--quiet") == 3
    assert run("elsewhere", "--url", server, "--key", key, "--quiet") == 1
    soda.faults = ["400"]
    assert run("nyc311", "--url", server, "--key", key, "--quiet") == 1


def test_the_job_brings_up_to_date_what_was_loaded_once(
    soda: SodaStandIn,
    server: str,
    key: str,
    settings: LazySettings,
    tmp_path: Path,
) -> None:
    settings.PORT = server.rpartition(":")[2]
    settings.API_KEY_FILE = tmp_path / "api_key"
    settings.API_KEY_FILE.write_text(key)
    requests = generated_requests()[:50]
    publish(soda, requests[:40])
    assert load_changes() == "nothing was loaded before"
    assert not Batch.objects.exists()
    load(soda, server, key)
    publish(soda, requests[40:], "2023-12-12T03:00:00.000Z")
    assert load_changes() == (
        "nyc311: 10 rows received: 10 inserted, 0 updated, 0 ignored, 0 rejected"
    )


def forget(soda: SodaStandIn) -> None:
    """Make the service as it was before the first load."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE nyc311.service_requests")
    SocrataMark.objects.all().delete()
    soda.pages = 0


def run(*arguments: str) -> int:
    try:
        Command().run_from_argv(["manage.py", "load_socrata", *arguments])
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def start_command(soda: SodaStandIn, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command as a process of its own, on the test database."""
    config = yaml.safe_load((django_settings.BASE_DIR / "rest_conf.yml").read_text())
    config["socrata"]["page_rows"] = 100
    config["socrata"]["datasets"]["nyc311"]["domain"] = soda.url
    file = folder / "rest_conf.yml"
    file.write_text(yaml.safe_dump(config))
    before, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return subprocess.Popen(
        [sys.executable, "manage.py", "load_socrata", *arguments, "--quiet"],
        cwd=django_settings.BASE_DIR,
        env=os.environ
        | {
            "ROWHOUSE_CONFIG": str(file),
            "DATABASE_URL": f"{before}/{connection.settings_dict['NAME']}",
        },
    )
