"""The embedded PostgreSQL: started, killed, started again."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from project.server.postgres import postmaster
from project.server.postgres.cluster import ServerSettings
from project.server.postgres.postmaster import PostgresError, find_postmaster
from project.server.postgres.server import Server, create_database, start_server, stop_server
from tests.integration.servers import ask, kill_postmaster, make_settings, start_elsewhere
from tests.waiting import is_alive

IS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a path with spaces") / "it's postgres"


@pytest.fixture
def settings(shared_folder: Path) -> Iterator[ServerSettings]:
    """One data folder for most tests; its server is stopped after each."""
    settings = make_settings(shared_folder)
    yield settings
    stop_server(settings)


def test_a_new_server_is_postgresql_18_in_utf8(settings: ServerSettings) -> None:
    server = start_server(settings)
    assert server.started
    assert str(ask(server, "SHOW server_version")).startswith("18.")
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SELECT upper('señal é')") == "SEÑAL É"
    assert ask(server, "SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"


def test_it_listens_on_loopback_only_and_asks_for_the_password(settings: ServerSettings) -> None:
    server = start_server(settings)
    assert (settings.folder / "port").read_text() == f"{server.port}\n"
    assert ask(server, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(server, "SHOW unix_socket_directories") == ""
    thief = Server(
        settings=replace(settings, password="guess"), pid=0, port=server.port, started=False
    )
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(thief, "SELECT 1")


def test_the_servers_log_holds_no_values(settings: ServerSettings) -> None:
    server = start_server(settings)
    with pytest.raises(psycopg.Error):
        ask(server, "SELECT 'precious'::int")
    stop_server(settings)
    logged = "".join(file.read_text() for file in (settings.data / "log").iterdir())
    assert "shut down" in logged
    assert "precious" not in logged


def test_a_second_start_uses_the_running_server(settings: ServerSettings) -> None:
    first = start_server(settings)
    second = start_server(settings)
    assert (second.pid, second.port, second.started) == (first.pid, first.port, False)


def test_starts_at_once_agree_on_one_server(settings: ServerSettings) -> None:
    processes = [start_elsewhere(settings.folder) for _ in range(3)]
    said = [process.communicate()[0].split() for process in processes]
    assert len({pid for pid, _ in said}) == 1
    assert sorted(started for _, started in said) == ["False", "False", "True"]


def test_a_busy_port_gives_way_to_the_next_free_one(
    settings: ServerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        server = start_server(replace(settings, port=port))
    assert server.port > port
    assert f"port {port} is busy: PostgreSQL listens on {server.port}" in caplog.text


def test_stop_ends_open_sessions_and_may_be_repeated(settings: ServerSettings) -> None:
    server = start_server(settings)
    session = psycopg.connect(server.conninfo("postgres"))
    session.execute("SELECT 1")
    stop_server(settings)
    stop_server(settings)
    assert find_postmaster(settings.data) is None
    assert not (settings.folder / "port").exists()
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")


def test_rows_survive_a_killed_server(settings: ServerSettings) -> None:
    server = start_server(settings)
    ask(server, "CREATE TABLE kept (n int)")
    ask(server, "INSERT INTO kept VALUES (42)")
    kill_postmaster(server)
    assert (settings.data / "postmaster.pid").exists()
    again = start_server(settings)
    assert again.started
    assert ask(again, "SELECT n FROM kept") == 42


def test_orphans_that_hold_the_shared_memory_are_ended(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmaster, "ORPHAN_TIMEOUT_S", 0.3)
    server = start_server(settings)
    session = psycopg.connect(server.conninfo("postgres"), autocommit=True)
    backend = psutil.Process(session.info.backend_pid)
    backend.suspend()  # it neither notices the end of its server nor a polite signal
    kill_postmaster(server)
    assert start_server(settings).started
    assert not is_alive(backend)
    session.close()


def test_a_pid_file_that_names_another_program_is_ignored(settings: ServerSettings) -> None:
    server = start_server(settings)
    owner = settings.data.stat()
    stranger = subprocess.Popen(["sleep", "1000"], user=owner.st_uid if IS_ROOT else None)
    forge_pid_file(server, stranger.pid)
    assert start_server(settings).started
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_pid_file_that_names_a_zombie_is_ignored(settings: ServerSettings) -> None:
    server = start_server(settings)
    zombie = subprocess.Popen(["true"], user=settings.data.stat().st_uid if IS_ROOT else None)
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    forge_pid_file(server, zombie.pid)
    assert psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE
    assert start_server(settings).started
    zombie.wait()


def forge_pid_file(server: Server, pid: int) -> None:
    """Kill the server and have its pid file name another process, as after a reboot."""
    kill_postmaster(server)
    path = server.settings.data / "postmaster.pid"
    _, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([f"{pid}\n", *rest]))


def test_the_server_outlives_the_process_that_started_it(settings: ServerSettings) -> None:
    service = start_elsewhere(settings.folder, start_new_session=True)
    assert service.stdout is not None
    pid = int(service.stdout.readline().split()[0])
    os.killpg(service.pid, signal.SIGINT)  # Ctrl-C reaches the whole group
    service.communicate()
    again = start_server(settings)
    assert (again.pid, again.started) == (pid, False)


def test_an_interrupted_initdb_is_begun_anew(own_settings: ServerSettings) -> None:
    draft = own_settings.folder / "data.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    assert ask(start_server(own_settings), "SELECT 1") == 1
    assert not draft.exists()


def test_data_of_another_major_version_is_refused(own_settings: ServerSettings) -> None:
    start_server(own_settings)
    stop_server(own_settings)
    (own_settings.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(PostgresError, match="made by PostgreSQL 16, this one is 18"):
        start_server(own_settings)


def test_a_server_that_cannot_start_says_why(settings: ServerSettings) -> None:
    with pytest.raises(PostgresError, match="shared_buffers"):
        start_server(replace(settings, shared_buffers="lots"))


def test_a_database_is_created_once(settings: ServerSettings) -> None:
    server = start_server(settings)
    assert create_database(server, 'odd "name"')
    assert not create_database(server, 'odd "name"')
