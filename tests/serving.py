"""A web server in a process of its own, on a free port."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

START_PATIENCE_S = 30
HOST = "127.0.0.1"


def database_url() -> str:
    """Return the administrator's URL of the test database."""
    before, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return f"{before}/{connection.settings_dict['NAME']}"


@contextmanager
def serving(
    command_for: Callable[[int], list[str]], environment: Mapping[str, str], folder: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run the server that the command starts on a port; yield its base URL and its process.

    When the block ends it has finished its requests and is stopped. The folder gets its output.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    output = folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            command_for(port),
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for_port(port, process, output)
        yield f"http://{HOST}:{port}", process
    finally:
        process.terminate()
        process.wait()


def _wait_for_port(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"granian does not answer:\n{output.read_text()}")
