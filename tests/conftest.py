"""Fixtures of all tests: a clean database, API keys, a client, a real server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from project.config import read_config
from project.datasets import set_up_database
from project.keys import forget_trusted_keys
from project.models import ApiKey, Scope
from tests.cleaning import Table, clean, list_tables

KeyMaker = Callable[..., str]
START_PATIENCE_S = 30


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[set[Table]]:
    """Make the test database as `manage.py setup_db` makes one; yield its tables."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases=dict.fromkeys(connections))
        set_up_database(
            connection,
            config=settings.CONFIG,
            folder=settings.BASE_DIR / "db_setup",
            secrets_dir=settings.SECRETS_DIR,
        )
        tables = list_tables()
    yield tables
    with django_db_blocker.unblock():
        connections.close_all()
        teardown_databases(made, verbosity=0)


@pytest.fixture
def database(django_db_setup: set[Table], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let the test use the database, with real commits; empty it afterwards.

    A table that the test makes is dropped; a change to an existing one is the test's to undo.
    """
    with django_db_blocker.unblock():
        yield
        forget_trusted_keys()
        connections["ingest"].close()
        connections["unchecked"].close()
        clean(django_db_setup)


@pytest.fixture
def api_key(database: None) -> KeyMaker:
    """Return a function that makes an API key: `api_key("read", "ingest", tables=["hiring"])`."""

    def make(*scopes: str, **fields: Any) -> str:
        _, secret = ApiKey.objects.create_key(name="test", scopes=list(scopes), **fields)
        return str(secret)

    return make


@pytest.fixture
def client(api_key: KeyMaker) -> Client:
    """Return Django's test client with a key of every scope."""
    return Client(headers={"Authorization": f"Api-Key {api_key(*Scope.values)}"})


@pytest.fixture
def archive(database: None, tmp_path: Path, settings: Settings) -> Path:
    """Have backups go to an empty folder; processes the service starts know it too."""
    folder = tmp_path / "archive"
    text = (Path(settings.BASE_DIR) / "rest_conf.yml").read_text()
    config = tmp_path / "rest_conf.yml"
    config.write_text(text.replace("folder: null ", f"folder: {folder} "))
    settings.CONFIG = read_config(config)
    settings.COMMAND_ENVIRONMENT = {
        **os.environ,
        "ROWHOUSE_CONFIG": str(config),
        "DATABASE_URL": database_url(),
    }
    return folder


@pytest.fixture(scope="session")
def server(django_db_setup: set[Table], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the test database with granian, as the service does; yield the base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    output = tmp_path_factory.mktemp("server") / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "granian", "--interface", "asginl", "--no-ws"),
                *("--host", "127.0.0.1", "--port", str(port), "--http", "1"),
                "project.asgi:application",
            ],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": database_url()},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_port(port, process, output)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def database_url() -> str:
    """Return the URL of the test database, for processes that a test starts."""
    before, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return f"{before}/{connection.settings_dict['NAME']}"


def wait_for_port(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    """Return as soon as a server listens on its port; fail the test where it does not."""
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"granian does not answer:\n{output.read_text()}")
