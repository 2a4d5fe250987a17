"""Rowhouse behind a PgBouncer in transaction mode, set up as its own commands do it."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from project.base.database import SERVICE_ROLE, role_password
from tests.needs import need
from tests.pooler import find_pgbouncer, start_pooler, stop_pooler

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.session


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of a Rowhouse on an empty database behind a pooler of its own."""
    need(find_pgbouncer(), "PgBouncer is not installed (tests/install_packages.sh does it)")
    before, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    name = f"pooled_{secrets.token_hex(4)}"
    direct = conninfo_to_dict(f"{before}/{name}")
    server: dict[str, Any] = {key.upper(): direct[key] for key in ("host", "port", "user")}
    server |= {"PASSWORD": direct["password"], "OPTIONS": {}}
    with psycopg.connect(f"{before}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            # Roles belong to the whole server: their passwords are those of the other tests.
            port = start_pooler(tmp_path / "pooler", server, secrets_dir=settings.SECRETS_DIR)
            config = tmp_path / "conf.yml"
            text = (ROOT / "rest_conf.yml").read_text()
            config.write_text(text.replace("pooler: none ", "pooler: transaction "))
            login = f"{server['USER']}:{server['PASSWORD']}"
            yield os.environ | {
                "DATABASE_URL": f"postgresql://{login}@127.0.0.1:{port}/{name}",
                "DATABASE_DIRECT_URL": f"{before}/{name}",
                "ROWHOUSE_LOGS": str(tmp_path / "logs"),
                "ROWHOUSE_CONFIG": str(config),
            }
        finally:
            stop_pooler(tmp_path / "pooler")
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def read_settings(url: str, **login: str) -> tuple[str, ...]:
    names = ("search_path", "TimeZone", "statement_timeout", "lock_timeout")
    columns = ", ".join(f"current_setting('{name}')" for name in names)
    with psycopg.connect(make_conninfo(url, **login), prepare_threshold=None) as connection:
        row = connection.execute(f"SELECT {columns}").fetchone()
    assert row is not None
    return row


def test_the_roles_bring_their_settings_through_the_pooler(environment: dict[str, str]) -> None:
    done = manage(environment, "setup_db")
    assert done.returncode == 0, done.stderr
    password = role_password(SERVICE_ROLE, settings.SECRETS_DIR)
    found = read_settings(environment["DATABASE_URL"], user=SERVICE_ROLE, password=password)
    assert found == ("service", "UTC", "30s", "5s")


def test_without_roles_the_one_user_brings_them(environment: dict[str, str]) -> None:
    config = Path(environment["ROWHOUSE_CONFIG"])
    text = config.read_text()
    config.write_text(text.replace("separate_roles: true", "separate_roles: false"))
    done = manage(environment, "setup_db")
    assert done.returncode == 0, done.stderr
    assert read_settings(environment["DATABASE_URL"]) == ("service", "UTC", "30s", "5s")


def test_a_service_that_knows_only_the_pooler_does_not_start(
    environment: dict[str, str],
) -> None:
    refused = manage(environment | {"DATABASE_DIRECT_URL": ""}, "setup_db")
    assert refused.returncode == 1
    assert refused.stderr.startswith("config_invalid: database.direct_url: needed with")


def test_its_settings_are_written_by_a_command(environment: dict[str, str], tmp_path: Path) -> None:
    done = manage(environment, "pgbouncer_config", str(tmp_path / "made"), "--port", "7000")
    assert done.returncode == 0, done.stderr
    assert "listen_port = 7000" in (tmp_path / "made" / "pgbouncer.ini").read_text()
    assert SERVICE_ROLE in (tmp_path / "made" / "userlist.txt").read_text()
