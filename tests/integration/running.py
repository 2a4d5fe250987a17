"""A service started as a user starts it: `manage.py up` in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from backups.store.archive import MARKER_NAME
from project.server.postgres.postmaster import Postmaster, find_postmaster
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
LAST_LINE = "API key"


class Service:
    """One data folder and the service that runs on it, or does not."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.folder = folder
        self.data = Path(changes.get("ROWHOUSE_DATA", folder / "var"))
        self.logs = Path(changes.get("ROWHOUSE_LOGS", folder / "logs"))
        self.errors = folder / "errors"
        config = (ROOT / "rest_conf.yml").read_text()
        config = config.replace("port: 5433 ", "port: 0 ").replace("256MB", "16MB")
        archive = folder / "archive"
        archive.mkdir()
        (archive / MARKER_NAME).touch()
        config = config.replace("folder: null ", f"folder: {archive} ")
        self.config = folder / "conf.yml"
        self.config.write_text(config)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = kept | {
            "ROWHOUSE_DATA": str(self.data),
            "ROWHOUSE_LOGS": str(self.logs),
            "ROWHOUSE_CONFIG": str(self.config),
            "PORT": "0",
            **changes,
        }
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another management command on the data folder to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str, last_line: str = LAST_LINE) -> None:
        """Start the service and wait until it has said its last line."""
        self.said = []
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith(last_line):
                return
        raise AssertionError("\n".join([*self.said, self.errors.read_text()]))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode

    @property
    def is_running(self) -> bool:
        """Whether the process that was started last has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def address(self) -> str:
        """The base URL."""
        said = "Rowhouse serves on "
        return next(line.removeprefix(said) for line in self.said if line.startswith(said))

    @property
    def key(self) -> str:
        """The first API key."""
        return (self.data / "api_key").read_text().strip()

    @property
    def curl(self) -> str:
        """The line to paste."""
        return next(line.strip() for line in self.said if re.match(r" *curl ", line))

    @property
    def postmaster(self) -> Postmaster | None:
        """The embedded server's process."""
        return find_postmaster((self.data / "postgres" / "data").resolve())

    def connect(self) -> psycopg.Connection:
        """Return a new connection of the administrator, in autocommit mode, to its database."""
        return psycopg.connect(
            host="127.0.0.1",
            port=int((self.data / "postgres" / "port").read_text()),
            user="postgres",
            password=(self.data / "secrets" / "postgres_password").read_text().strip(),
            dbname="rowhouse",
            autocommit=True,
        )

    def processes(self) -> list[psutil.Process]:
        """granian and its workers."""
        granian = self._find_child("project.server.web")
        return [granian, *granian.children(recursive=True)] if granian else []

    @property
    def scheduler(self) -> psutil.Process | None:
        """The process that runs the scheduled jobs."""
        return self._find_child("scheduler")

    def _find_child(self, word: str) -> psutil.Process | None:
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it is ending
                if word in child.cmdline():
                    return child
        return None

    def read_metrics(self) -> dict[str, float]:
        """Return what Prometheus would be told: the value of each series."""
        with urllib.request.urlopen(f"{self.address}/internal/metrics") as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {series: float(value) for series, value in pairs}

    def ask(self, method: str, path: str, value: Any = None) -> tuple[int, Any]:
        """Send a request with the first key; return status and JSON, (0, None) unanswered."""
        request = urllib.request.Request(
            self.address + path,
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers={"Authorization": f"Api-Key {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except OSError:
            return 0, None
