"""Fixtures of several integration tests: `manage.py load` on a stand-in, a server's own folder."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.management.commands.load import Command
from project.server.postgres.cluster import ServerSettings
from project.server.postgres.server import stop_server
from tests.integration.loading import (
    Load,
    Outcome,
    name_of,
)
from tests.integration.servers import make_settings
from tests.standin import KEY, StandIn, run_standin


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """Serve a stand-in for the service, which stores what it is sent."""
    with run_standin() as served:
        yield served


@pytest.fixture
def load(standin: StandIn, capfd: pytest.CaptureFixture[str]) -> Load:
    """Return a function that runs `manage.py load things …` as from a shell."""

    def run(*arguments: str, key: str | None = KEY) -> Outcome:
        keys = ["--key", key] if key else []
        argv = ["manage.py", "load", "things", *arguments, "--url", standin.url, *keys]
        try:
            Command().run_from_argv(argv)
            code = 0
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def things(tmp_path: Path) -> str:
    """Return a CSV file of 25 rows, some of them with a line end or a comma in the name."""
    path = tmp_path / "things.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "name"])
        writer.writerows([number, name_of(number)] for number in range(1, 26))
    return str(path)


@pytest.fixture
def own_settings(tmp_path: Path) -> Iterator[ServerSettings]:
    """Return the settings of an embedded server in a folder of the test's own."""
    settings = make_settings(tmp_path / "postgres")
    yield settings
    stop_server(settings)
