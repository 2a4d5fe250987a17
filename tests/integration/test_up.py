"""`manage.py up`: started, stopped, killed and started again, with everything real."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from project.server.web import SETTLED_S
from tests.integration.running import Service
from tests.needs import need
from tests.waiting import is_alive, wait_until

JOB = [{"job_id": 1, "job_name": "Nurse"}]


@dataclass(frozen=True)
class FirstStart:
    """A service that was started on an empty folder, and what it said then."""

    service: Service
    said: list[str]


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstStart]:
    """Start the module's one service; yield it with what it said."""
    service = Service(tmp_path_factory.mktemp("a service"))
    service.start()
    yield FirstStart(service, service.said)
    if service.is_running:
        service.stop()
    if service.postmaster is not None:
        service.start()
        service.stop()


@pytest.fixture
def service(first_start: FirstStart) -> Service:
    """The module's one service, running as `manage.py up` starts it, its database empty."""
    service = first_start.service
    if not service.is_running:
        service.start()
    with service.connect() as connection:
        connection.execute("TRUNCATE hiring.jobs, hiring.departments, hiring.employees")
    return service


def paste(line: str) -> dict[str, object]:
    need(shutil.which("curl"), "curl is not installed")
    done = subprocess.run(["sh", "-c", f"{line} -s"], capture_output=True, text=True, check=True)
    receipt = json.loads(done.stdout)
    assert isinstance(receipt, dict)
    return receipt


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(map(is_alive, processes))


def test_a_first_start_shows_a_key_once_and_a_line_that_stores_a_row(
    service: Service, first_start: FirstStart
) -> None:
    assert stat.S_IMODE((service.data / "api_key").stat().st_mode) == 0o600
    assert sum(service.key in line for line in first_start.said) == 1
    assert service.ask("GET", "/readyz")[0] == 200
    receipt = paste(service.curl)
    assert (receipt["inserted"], receipt["rejected"]) == (1, 0)
    assert paste(service.curl)["ignored"] == 1


def test_static_files_are_served(service: Service) -> None:
    with urllib.request.urlopen(f"{service.address}/static/admin/css/base.css") as answer:
        assert answer.headers.get_content_type() == "text/css"


def test_a_second_one_on_the_same_data_says_where_the_first_is(service: Service) -> None:
    second = service.run("up")
    assert second.returncode == 1
    assert second.stderr.startswith("already_running: ")
    assert service.process is not None
    assert f"{service.address} (process {service.process.pid})" in second.stderr
    assert service.ask("GET", "/readyz")[0] == 200


def test_the_scheduler_runs_beside_it_and_is_started_again(service: Service) -> None:
    scheduler = service.scheduler
    assert scheduler is not None
    scheduler.kill()
    wait_until(lambda: service.scheduler not in {None, scheduler}, "another scheduler runs")


def test_web_processes_have_the_least_privileged_role(service: Service) -> None:
    _, *workers = service.processes()
    for worker in workers:
        assert worker.environ()["ROWHOUSE_ROLE"] == "service"


def test_prometheus_is_told_of_backups_by_whichever_process_answers(service: Service) -> None:
    made = service.run("backup", "--table", "jobs")
    assert made.returncode == 0, made.stderr
    with service.connect() as connection:
        ((taken,),) = connection.execute(
            "UPDATE service.backup_run SET proven_at = '2026-01-01Z'"
            " RETURNING extract(epoch FROM date_trunc('second', created_at))::float"
        ).fetchall()
    told = service.read_metrics()
    label = '{table="hiring.jobs"}'
    assert told[f"rowhouse_backup_last_good_timestamp_seconds{label}"] >= taken
    assert told[f"rowhouse_backup_last_proven_timestamp_seconds{label}"] == 1767225600
    assert "rowhouse_backup_last_good_timestamp_seconds" not in told  # that is of all tables
    assert told['rowhouse_backup_runs_total{state="done"}'] == 1
    assert any(series.startswith("rowhouse_requests_total{") for series in told)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_the_next_start_shows_no_key(
    service: Service, number: signal.Signals
) -> None:
    processes = service.processes()
    before = service.errors.read_text()
    assert service.stop(number) == 0
    assert "Killing" not in service.errors.read_text().removeprefix(before)
    assert all_gone(processes)
    assert service.postmaster is None
    service.start()
    assert not any(service.key in line for line in service.said)
    assert paste(service.curl)["inserted"] == 1


def test_requests_work_again_after_postgresql_was_killed(service: Service) -> None:
    assert service.postmaster is not None
    before = service.processes()
    os.kill(service.postmaster.pid, signal.SIGKILL)
    rows = [{"job_id": 77, "job_name": "Nurse"}]

    def is_stored() -> bool:
        return service.ask("POST", "/api/ingest/jobs?on_conflict=ignore", rows)[0] == 201

    wait_until(is_stored, "rows are stored again")
    assert {service.ask("GET", "/readyz")[0] for _ in range(40)} == {200}
    assert service.processes() == before


def test_workers_that_are_killed_again_and_again_are_replaced_beside_one_that_serves(
    service: Service,
) -> None:
    granian, steady, doomed = service.processes()
    killed = {granian, steady}
    wait_until(lambda: time.time() - steady.create_time() > SETTLED_S, "one worker serves")

    def find_new() -> psutil.Process | None:
        return next((one for one in service.processes() if one not in killed), None)

    for _ in range(2):
        killed.add(doomed)
        doomed.kill()
        wait_until(lambda: find_new() is not None, "a worker is replaced")
        assert {granian, steady} <= set(service.processes())
        assert service.ask("GET", "/healthz")[0] == 200
        new = find_new()
        assert new is not None
        doomed = new


def test_a_killed_web_server_is_started_again(service: Service) -> None:
    old = service.processes()
    log = service.logs / "rowhouse.log"
    before = log.read_text()
    old[0].kill()
    wait_until(lambda: all_gone(old), "the workers of a killed server end")
    wait_until(lambda: service.ask("GET", "/healthz")[0] == 200, "it serves again")
    assert "a process died and is started again" in log.read_text().removeprefix(before)


def test_nothing_is_started_again_on_a_bad_setting(service: Service) -> None:
    good = service.config.read_text()
    log = service.logs / "rowhouse.log"
    service.config.write_text(good.replace("workers: 2", "workers: many"))
    try:
        service.processes()[0].kill()
        wait_until(
            lambda: "http.workers: Expected `int`" in log.read_text(), "it says what is wrong"
        )
        assert service.processes() == []
    finally:
        service.config.write_text(good)
    wait_until(lambda: service.ask("GET", "/healthz")[0] == 200, "it serves again")


def test_nothing_outlives_a_killed_service_but_the_database_which_is_found(
    service: Service,
) -> None:
    processes = service.processes()
    postmaster = service.postmaster
    assert postmaster is not None
    assert service.process is not None
    service.process.kill()
    service.process.communicate()
    wait_until(lambda: all_gone(processes), "the web processes end")
    service.start()
    assert service.postmaster == postmaster
    service.stop()
    assert service.postmaster is None


def test_a_lost_folder_of_secrets_is_made_anew(service: Service) -> None:
    service.stop()
    shutil.rmtree(service.data / "secrets")
    service.start()
    assert service.ask("POST", "/api/ingest/jobs?on_conflict=ignore", JOB)[0] == 201
    assert "password is not the one in var/secrets" in (service.logs / "rowhouse.log").read_text()


def test_a_busy_port_is_named(service: Service, tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        other = Service(tmp_path, PORT=str(port)).run("up")
    assert other.returncode == 1
    assert other.stderr.startswith(f"port_busy: 127.0.0.1:{port} ")
    assert not (tmp_path / "var" / "postgres").exists()


def test_a_start_without_the_compiled_encoder_is_logged_once(tmp_path: Path) -> None:
    # Python runs this file first: no library can be loaded then.
    (tmp_path / "sitecustomize.py").write_text(
        "import cffi\n\ndef refuse(*_):\n    raise OSError\n\ncffi.FFI.dlopen = refuse\n"
    )
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    other = Service(tmp_path, PYTHONPATH=str(tmp_path), DATABASE_URL=nowhere)
    assert other.run("up").returncode == 1
    lines = map(json.loads, (other.logs / "rowhouse.log").read_text().splitlines())
    said = [
        (line["level"], line["message"]) for line in lines if line["logger"] == "rowhouse.ingest"
    ]
    assert len(said) == 1
    assert said[0][0] == "WARNING"
    assert said[0][1].startswith("The compiled row encoder ")


def test_a_bad_port_and_a_bad_setting_end_in_one_line(tmp_path: Path) -> None:
    bad = Service(tmp_path, PORT="eighty").run("up")
    assert (bad.returncode, bad.stderr) == (
        1,
        "config_invalid: PORT: not a TCP port (0 to 65535)\n",
    )


def test_a_demo_fills_what_is_empty_and_leaves_the_rest(service: Service) -> None:
    service.ask("POST", "/api/ingest/departments", [{"department_id": 5, "department_name": "X"}])
    service.stop()
    service.start("--demo", "--web-only", last_line="hiring.employees")
    assert "hiring.departments: has rows already, left alone" in service.said
    # What holds somebody's own rows stays closed.
    assert "Anyone may read the demo's datasets: nyc311, mds, covid" in service.said
    assert service.scheduler is None
    service.stop()


def test_keys_are_made_for_clients(service: Service) -> None:
    done = service.run("create_api_key", "loader", "--scope", "ingest", "--table", "hiring.jobs")
    assert done.returncode == 0, done.stderr
    (key,) = done.stdout.splitlines()
    assert key.count(".") == 1
    for arguments, reason in [
        (["--scope", "ingest", "--table", "secret"], "key_refused: secret: name a dataset"),
        (
            ["--scope", "ingest", "--table", "hiring.job"],
            "key_refused: There is no table hiring.job; there are hiring.departments, ",
        ),
        (["--scope", "read", "--table", "hiring"], "key_refused: Tables limit the scope ingest"),
        (["--scope", "read", "--expires", "2020-01-01"], "key_refused: The key would have expired"),
    ]:
        refused = service.run("create_api_key", "x", *arguments)
        assert refused.returncode == 1
        assert refused.stderr.startswith(reason)
