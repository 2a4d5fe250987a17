"""Rowhouse on a PostgreSQL server it did not make: the distribution's own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from project.base.database import ROLES
from project.server.postgres.os_user import choose_os_user
from tests.needs import need

ROOT = Path(__file__).parents[2]
PASSWORD = "it's & a/secret"


@pytest.fixture(scope="module")
def external_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the distribution's PostgreSQL; yields its URL without a database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    need(programs, "no PostgreSQL package is installed (tests/install_packages.sh does it)")
    bin_folder = programs[-1].parent
    data = tmp_path_factory.mktemp("external") / "data"
    user = choose_os_user(data=data, program=programs[-1])
    data.mkdir(mode=0o700)
    user.own(data)
    password = data.with_name("password")
    password.write_text(PASSWORD)
    user.own(password)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = user.run(
        [bin_folder / "initdb", "-D", data, "-U", "owner", "--pwfile", password, "-A", "md5"],
        cwd=data,
    )
    assert made.returncode == 0, made.stdout
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    log = data / "start.log"
    control: list[str | Path] = [bin_folder / "pg_ctl", "-D", data, "-w", "-l", log]
    started = user.run([*control, "-o", options, "start"], cwd=data)
    assert started.returncode == 0, log.read_text()
    yield f"postgresql://owner:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
    user.run([*control, "-m", "immediate", "stop"], cwd=data)


@pytest.fixture
def environment(external_server: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a Rowhouse on an empty database of that server."""
    with psycopg.connect(f"{external_server}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE city")
        yield os.environ | {
            "DATABASE_URL": f"{external_server}/city",
            "ROWHOUSE_DATA": str(tmp_path / "var"),
            "ROWHOUSE_LOGS": str(tmp_path / "logs"),
        }
        connection.execute("DROP DATABASE city WITH (FORCE)")


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_setup_db_makes_everything_and_may_be_repeated(environment: dict[str, str]) -> None:
    first = manage(environment, "setup_db")
    assert first.returncode == 0, first.stderr
    assert "hiring: create table employees\n" in first.stdout
    second = manage(environment, "setup_db", "hiring")
    assert (second.returncode, second.stdout) == (0, "hiring: up to date\n")


def test_a_dataset_is_set_up_alone_on_a_new_database(environment: dict[str, str]) -> None:
    done = manage(environment, "setup_db", "hiring")
    assert done.returncode == 0, done.stderr
    assert "hiring: create table employees" in done.stdout


def test_the_roles_log_in_with_their_own_passwords(environment: dict[str, str]) -> None:
    manage(environment, "setup_db")
    secrets = Path(environment["ROWHOUSE_DATA"]) / "secrets"
    for role in ROLES:
        password = (secrets / f"{role}_password").read_text().strip()
        url = environment["DATABASE_URL"]
        with psycopg.connect(url, user=role, password=password) as connection:
            assert connection.info.user == role


def test_a_user_who_may_not_make_roles_is_told_what_to_do(environment: dict[str, str]) -> None:
    url = environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        connection.execute("ALTER DATABASE city OWNER TO plain")
    plain = environment | {
        "DATABASE_URL": url.replace(url.split("@")[0], "postgresql://plain:plain")
    }
    refused = manage(plain, "setup_db")
    assert refused.returncode == 1
    assert "database.separate_roles to false" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1

    config = Path(environment["ROWHOUSE_DATA"]) / "conf.yml"
    text = (ROOT / "rest_conf.yml").read_text()
    config.write_text(text.replace("separate_roles: true", "separate_roles: false"))
    accepted = manage(plain | {"ROWHOUSE_CONFIG": str(config)}, "setup_db")
    assert accepted.returncode == 0, accepted.stderr
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM hiring.jobs").fetchone() == (0,)


def test_a_backup_made_there_is_restored_there(environment: dict[str, str]) -> None:
    config = Path(environment["ROWHOUSE_DATA"]).with_name("conf.yml")
    archive = config.with_name("archive")
    text = (ROOT / "rest_conf.yml").read_text()
    config.write_text(text.replace("folder: null ", f"folder: {archive} "))
    there = environment | {"ROWHOUSE_CONFIG": str(config)}
    for command in (("setup_db", "hiring"), ("init_archive",)):
        assert manage(there, *command).returncode == 0
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO hiring.jobs SELECT n, 'Job ' || n FROM generate_series(1, 500) n"
        )
        fingerprint = "SELECT count(*), md5(string_agg(j::text, ',' ORDER BY job_id)) FROM {} j"
        before = connection.execute(fingerprint.format("hiring.jobs")).fetchone()
        made = manage(there, "backup", "--table", "hiring.jobs")
        assert made.returncode == 0, made.stderr
        connection.execute("DELETE FROM hiring.jobs WHERE job_id > 20")
        drilled = manage(there, "verify_backup", "--restore")
        assert drilled.returncode == 0, drilled.stderr
        restored = manage(there, "restore", "jobs")
        assert restored.returncode == 0, restored.stderr
        assert connection.execute(fingerprint.format("hiring.jobs")).fetchone() == before
        undone = manage(there, "restore", "jobs", "--undo")
        assert undone.returncode == 0, undone.stderr
        assert connection.execute("SELECT count(*) FROM hiring.jobs").fetchone() == (20,)


def test_a_bad_setting_ends_a_command_in_one_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "conf.yml"
    text = (ROOT / "rest_conf.yml").read_text()
    config.write_text(text.replace("port: 8000", "port: many"))
    refused = manage(environment | {"ROWHOUSE_CONFIG": str(config)}, "check")
    assert refused.returncode == 1
    assert refused.stderr == "config_invalid: conf.yml: http.port: Expected `int`, got `str`\n"


def test_an_administrator_who_is_no_superuser_restores_too(environment: dict[str, str]) -> None:
    url = environment["DATABASE_URL"]
    config = Path(environment["ROWHOUSE_DATA"]).with_name("conf.yml")
    text = (ROOT / "rest_conf.yml").read_text()
    config.write_text(text.replace("folder: null ", f"folder: {config.with_name('archive')} "))
    with psycopg.connect(url, autocommit=True, client_encoding="utf8") as connection:
        connection.execute("CREATE ROLE chief LOGIN CREATEROLE PASSWORD 'chief'")
        connection.execute("ALTER DATABASE city OWNER TO chief")
        known = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", [list(ROLES)]
        )
        for (role,) in known.fetchall():  # made by the server's owner for another test
            connection.execute(f"GRANT {role} TO chief WITH ADMIN OPTION")
    chief = environment | {
        "DATABASE_URL": url.replace(url.split("@")[0], "postgresql://chief:chief"),
        "ROWHOUSE_CONFIG": str(config),
    }
    for command in (
        ("setup_db", "hiring"),
        ("init_archive",),
        ("backup", "--table", "hiring.jobs"),
        ("verify_backup", "--restore"),
        ("restore", "jobs"),
        ("restore", "jobs", "--into", "jobs_then"),
    ):
        done = manage(chief, *command)
        assert done.returncode == 0, (command, done.stderr)
    with psycopg.connect(url, client_encoding="utf8") as connection:
        owners = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relname ~ '^jobs'"
        assert connection.execute(owners).fetchall() == [("chief",)]
