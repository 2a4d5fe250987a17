"""`kill -9` of PostgreSQL under clients: the service heals by itself and nothing is lost."""

import os
import signal
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from tests.faults.clients import DEFINITION
from tests.faults.conftest import FleetMaker, Judge
from tests.integration.running import Service
from tests.scale import scale
from tests.waiting import wait_until

KILLS = 1  # of each kind; 20 in the long form
HEALING_S = 10


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
    assert service.postmaster is not None
    children = psutil.Process(service.postmaster.pid).children()
    sessions = [child for child in children if "ingest_writer" in " ".join(child.cmdline())]
    sessions[0].kill()


def is_up(service: Service) -> bool:
    try:
        service.connect().close()
    except (psycopg.OperationalError, OSError):
        return False
    return True


def test_the_service_heals_within_seconds_of_the_database_and_nothing_is_lost(
    service: Service, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(service.address, key=service.key)
    before = service.processes()
    kills = [kill_server, kill_session] * scale(KILLS)
    with fleet.sending():
        for kill in kills:
            kill(service)
            wait_until(lambda: is_up(service), "PostgreSQL takes connections again")
            wait_until(
                lambda: service.ask("GET", "/readyz")[0] == 200,
                "the service is ready",
                patience_s=HEALING_S,
            )
            fleet.wait_for_progress(patience_s=HEALING_S)
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
