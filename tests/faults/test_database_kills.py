"""`kill -9` of PostgreSQL under clients: the service heals by itself and nothing is lost."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from statistics import mean

import psycopg
import pytest

from tests.faults.clients import DEFINITION
from tests.faults.conftest import FleetMaker, Judge, Recorder
from tests.integration.running import Service
from tests.scale import scale
from tests.waiting import wait_until

KILLS = 1  # of each kind; 20 in the long form
HEALING_S = 10

_SESSION = "SELECT pid FROM pg_stat_activity WHERE usename = 'ingest_writer' LIMIT 1"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A whole service as a user starts it, with a PostgreSQL of its own and the set's table."""
    running = Service(tmp_path_factory.mktemp("service"))
    running.start("--web-only")
    with running.connect() as connection:
        connection.execute(DEFINITION)
    yield running
    running.stop()


def kill_server(service: Service) -> None:
    """Kill the postmaster: its processes end, the service starts another."""
    assert service.postmaster is not None
    os.kill(service.postmaster.pid, signal.SIGKILL)


def kill_session(service: Service) -> None:
    """Kill one server process: the postmaster ends all others and recovers."""
    with service.connect() as connection:
        (pid,) = connection.execute(_SESSION).fetchall()[0]
    os.kill(pid, signal.SIGKILL)


def is_broken(session: psycopg.Connection) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def is_up(service: Service) -> bool:
    try:
        service.connect().close()
    except (psycopg.OperationalError, OSError):
        return False
    return True


def test_the_service_heals_within_seconds_of_the_database_and_nothing_is_lost(
    service: Service, fleet_for: FleetMaker, judge: Judge, record: Recorder
) -> None:
    fleet = fleet_for(service.address, key=service.key)
    before = service.processes()
    kills = [kill_server, kill_session] * scale(KILLS)
    healing_s = []
    with fleet.sending():
        for kill in kills:
            with service.connect() as witness:
                kill(service)
                wait_until(partial(is_broken, witness), "PostgreSQL goes down")
            wait_until(lambda: is_up(service), "PostgreSQL takes connections again")
            up = time.monotonic()
            wait_until(
                lambda: service.ask("GET", "/readyz")[0] == 200,
                "the service is ready",
                patience_s=HEALING_S,
            )
            fleet.wait_for_progress(patience_s=HEALING_S)
            healing_s.append(time.monotonic() - up)
    record(f"healed within {max(healing_s):.1f} s of the database, mean {mean(healing_s):.1f} s")
    assert service.processes() == before
    assert judge(fleet, len(kills), lambda: service.connect()).is_sound
    assert len(fleet.history.acknowledged) == len(fleet.history.attempted)


def test_what_is_acknowledged_is_on_disk(service: Service) -> None:
    with service.connect() as connection:
        found = connection.execute(
            "SELECT current_setting(name) FROM unnest(ARRAY["
            "'fsync', 'synchronous_commit', 'full_page_writes']) AS name"
        )
        assert found.fetchall() == [("on",), ("on",), ("on",)]
