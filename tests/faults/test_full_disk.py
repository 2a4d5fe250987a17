"""A full disk: 503, no row is blamed, and the service goes on when there is space again."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.clients import DEFINITION
from tests.faults.conftest import FleetMaker, Judge
from tests.faults.disks import SmallDisk, small_disk
from tests.integration.running import Service
from tests.waiting import wait_until

MEGABYTES = 256
EMPTY = "TRUNCATE hiring.elements, service.batch, service.rejection, service.idempotency_key"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def disk(folder: Path) -> Iterator[SmallDisk]:
    with small_disk(folder / "disk", MEGABYTES) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def shared_service(disk: SmallDisk, folder: Path) -> Iterator[Service]:
    """A whole service, whose database, logs and other files are on the small disk."""
    folders = {"ROWHOUSE_DATA": disk.folder / "var", "ROWHOUSE_LOGS": disk.folder / "logs"}
    running = Service(folder, **{name: str(path) for name, path in folders.items()})
    running.start("--web-only")
    with running.connect() as connection:
        connection.execute(DEFINITION)
    yield running
    running.stop()


@pytest.fixture
def service(shared_service: Service) -> Service:
    """The service, without what clients of another test have sent."""
    with shared_service.connect() as connection:
        connection.execute(EMPTY)
    return shared_service


def end_log_file(service: Service) -> bool:
    """Have PostgreSQL begin another file of its log; return whether it dies of that."""
    try:
        with service.connect() as connection:
            connection.execute("SELECT pg_switch_wal(), txid_current()")
    except psycopg.Error:
        return service.postmaster is None
    return False


def test_a_full_disk_rejects_nothing_and_the_service_recovers_by_itself(
    service: Service, disk: SmallDisk, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(service.address, key=service.key)
    before = service.processes()
    with fleet.sending():
        disk.fill()
        wait_until(
            lambda: fleet.history.setbacks["503 unavailable"] > 20, "batches are answered 503"
        )
        disk.free()
        fleet.wait_for_progress()
    assert judge(fleet, 1, service.connect).is_sound
    assert service.processes() == before


def test_a_database_that_died_of_a_full_disk_is_started_again_when_there_is_space(
    service: Service, disk: SmallDisk, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(service.address, key=service.key)
    with fleet.sending():
        disk.fill()
        wait_until(lambda: end_log_file(service), "PostgreSQL has no room for its log")
        wait_until(
            lambda: "PostgreSQL does not start" in service.errors.read_text(), "no start succeeds"
        )
        disk.free()
        fleet.wait_for_progress()
    assert judge(fleet, 1, service.connect).is_sound
    assert service.process is not None
    assert service.process.poll() is None
