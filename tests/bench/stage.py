"""The stage of a benchmark: an embedded PostgreSQL and a real Rowhouse of its own on it."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg
import yaml

from project.base.database import EMBEDDED_DATABASE
from project.server.postgres.cluster import ServerSettings
from project.server.postgres.server import create_database, start_server, stop_server
from tests.pooler import lead_through_pooler, stop_pooler

BASE = Path(__file__).resolve().parents[2]
DATASET = "bench"
START_PATIENCE_S = 60


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the benchmark runs: the database as its administrator, and the service's address."""

    database_url: str
    url: str
    key: str
    environment: dict[str, str]
    server: psutil.Process

    @property
    def host(self) -> str:
        """The service's name and port."""
        return self.url.removeprefix("http://")

    def connect(self) -> psycopg.Connection:
        """Return a connection of the administrator in autocommit mode."""
        return psycopg.connect(self.database_url, autocommit=True)

    def worker_peak_mib(self) -> float:
        """Return the peak memory of the largest worker process so far."""
        peaks = [_peak_mib(process.pid) for process in self.server.children(recursive=True)]
        return max(peaks, default=_peak_mib(self.server.pid))


@contextmanager
def set_stage() -> Iterator[Stage]:
    """Start PostgreSQL and Rowhouse, with the dataset `bench` beside the others; stop them after.

    The settings are the service's own; only the folder, the ports and the dataset are different.
    """
    folder = Path(tempfile.mkdtemp(prefix="rowhouse-bench-"))
    settings = ServerSettings(
        folder=folder / "postgres",
        password=secrets.token_urlsafe(16),
        port=0,
        shared_buffers="256MB",
        max_connections=100,
    )
    server = start_server(settings)
    url = server.conninfo(EMBEDDED_DATABASE)
    environment = os.environ | {
        "DATABASE_URL": url,
        "ROWHOUSE_DATA": str(folder),
        "ROWHOUSE_LOGS": str(folder / "logs"),
        "ROWHOUSE_CONFIG": str(_write_config(folder)),
        "DJANGO_SETTINGS_MODULE": "project.settings",
    }
    try:
        create_database(server, EMBEDDED_DATABASE)
        with _serve(environment) as (process, address):
            yield Stage(
                database_url=url,
                url=address,
                key=(folder / "api_key").read_text().strip(),
                environment=environment,
                server=process,
            )
    finally:
        stop_server(settings)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serve_beside(stage: Stage, *, workers: int, pooled: bool = False) -> Iterator[Stage]:
    """Start another Rowhouse on the same database, perhaps through a PgBouncer of its own."""
    home = Path(stage.environment["ROWHOUSE_DATA"])
    folder = Path(tempfile.mkdtemp(prefix="rowhouse-bench-"))
    shutil.copytree(home / "secrets", folder / "secrets")
    config = yaml.safe_load((home / "rest_conf.yml").read_text())
    config["http"]["workers"] = workers
    environment = stage.environment | {
        "ROWHOUSE_DATA": str(folder),
        "ROWHOUSE_LOGS": str(folder / "logs"),
        "ROWHOUSE_CONFIG": str(folder / "rest_conf.yml"),
    }
    try:
        if pooled:
            config["database"]["pooler"] = "transaction"
            environment |= _start_pooler(stage, folder)
        (folder / "rest_conf.yml").write_text(yaml.safe_dump(config))
        with _serve(environment) as (process, address):
            yield replace(stage, url=address, environment=environment, server=process)
    finally:
        stop_pooler(folder / "pooler")
        shutil.rmtree(folder, ignore_errors=True)


def _start_pooler(stage: Stage, folder: Path) -> dict[str, str]:
    folder.chmod(0o755)  # PgBouncer refuses to be root, and reads its files as somebody else
    led = lead_through_pooler(folder, stage.database_url)
    return {name: led[name] for name in ("DATABASE_URL", "DATABASE_DIRECT_URL")}


def _write_config(folder: Path) -> Path:
    config = yaml.safe_load((BASE / "rest_conf.yml").read_text())
    config["datasets"][DATASET] = {}
    path = folder / "rest_conf.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@contextmanager
def _serve(environment: dict[str, str]) -> Iterator[tuple[psutil.Process, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--web-only"],
        cwd=BASE,
        env=environment | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield psutil.Process(process.pid), f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    """Return as soon as something listens on the port."""
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the service does not answer")


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
