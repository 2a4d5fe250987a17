"""Embedded servers that tests start, in this process and in others."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from project.server.postgres import postmaster
from project.server.postgres.cluster import ServerSettings
from project.server.postgres.server import Server
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
FAST = {"fsync": "off"}

# What another process runs: start the server of the folder and say which it is.
START = """
import sys
from pathlib import Path
from project.server.postgres.cluster import ServerSettings
from project.server.postgres.server import start_server
server = start_server(ServerSettings(folder=Path(sys.argv[1]), password="secret", port=0,
                                     shared_buffers="16MB", max_connections=20))
print(server.pid, server.started, flush=True)
"""


def make_settings(folder: Path) -> ServerSettings:
    """Return the settings of a small, fast server on any free port."""
    return ServerSettings(
        folder=folder,
        password="secret",
        port=0,
        shared_buffers="16MB",
        max_connections=20,
        extra=FAST,
    )


def ask(server: Server, question: str) -> object:
    """Return the first value that a server answers, None where there is none."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        answer = connection.execute(question)
        row = answer.fetchone() if answer.description else None
    return row[0] if row else None


def kill_postmaster(server: Server) -> None:
    """Kill a server's first process, and wait until the server is gone."""
    os.kill(server.pid, signal.SIGKILL)
    postmaster.wait_until_gone(server.settings.data, timeout_s=PATIENCE_S)


def start_elsewhere(folder: Path, **options: object) -> subprocess.Popen[str]:
    """Start the server of a folder from another process."""
    command = [sys.executable, "-c", START, str(folder)]
    return popen(command, cwd=ROOT, **options)


def popen(command: list[str], **options: object) -> subprocess.Popen[str]:
    """Start a program whose output can be read."""
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        **options,  # type: ignore[call-overload]
    )
