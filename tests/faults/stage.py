"""A service of the test database whose workers a test may kill at named points."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.conf import settings

from ingest.writing.fault_points import Point
from project.server.startup import web_command
from tests.serving import running_server
from tests.waiting import wait_until

HOST = "127.0.0.1"
WORKERS = 2
PATIENCE_S = 180.0
CHILDHOOD_S = 6  # half a second more than granian's own limit


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A running web server, its address and the folder of its orders and logs."""

    url: str
    folder: Path
    server: psutil.Process
    logged_before: int = 0

    def workers(self) -> list[psutil.Process]:
        """Return the living workers, the oldest first."""
        born: dict[psutil.Process, float] = {}
        for child in self.server.children():
            with suppress(psutil.NoSuchProcess):  # it ends while it is looked at
                if child.status() != psutil.STATUS_ZOMBIE:
                    born[child] = child.create_time()
        return sorted(born, key=born.__getitem__)

    def kill_at(self, point: Point) -> None:
        """Have the oldest worker die at the point; return when it is replaced.

        Not the youngest, nor one as young: granian itself ends where a worker dies that it has
        just replaced.
        """
        worker = self.workers()[0]
        wait_until(lambda: time.time() - worker.create_time() > CHILDHOOD_S, "it is old enough")
        order = self.folder / point
        draft = order.with_suffix(".draft")
        draft.write_text(str(worker.pid))
        draft.rename(order)
        wait_until(
            lambda: not order.exists(),
            f"worker {worker.pid} reaches the point {point}",
            patience_s=PATIENCE_S,
        )
        wait_until(
            lambda: len(self.workers()) == WORKERS and worker not in self.workers(),
            "a killed worker is replaced",
            patience_s=PATIENCE_S,
        )

    def log(self) -> str:
        """Return what the service has logged so far, but for what was logged before."""
        log = self.folder / "logs" / "rowhouse.log"
        return log.read_text()[self.logged_before :] if log.exists() else ""


@contextmanager
def set_stage(folder: Path, changes: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """Serve the test database as `manage.py up` does, with points to die at; stop it afterwards.

    `changes` are parts of rest_conf.yml and what stands there instead.
    """
    text = Path(settings.CONFIG_PATH).read_text()
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    config = folder / "rest_conf.yml"
    config.write_text(text)
    environment = {
        "ROWHOUSE_CONFIG": str(config),
        "ROWHOUSE_LOGS": str(folder / "logs"),
        "ROWHOUSE_TEST_ORDERS": str(folder),
    }
    with running_server(folder / "output", _command, environment) as (url, process):
        yield Stage(url=url, folder=folder, server=psutil.Process(process.pid))


def _command(port: int) -> list[str]:
    *command, application = web_command(HOST, port)
    assert application == "project.asgi:application"
    assert command[command.index("--workers") + 1] == str(WORKERS)
    return [*command, "tests.faults.application:application"]
