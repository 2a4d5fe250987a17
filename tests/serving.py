"""The service's web server on the test database, as a process of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tests.database import database_environment
from tests.waiting import find_free_port, is_listening, wait_until

START_PATIENCE_S = 90


Command = Callable[[int], Sequence[str]]


def one_worker(port: int) -> list[str]:
    """Return the command of a server with one worker process."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "asginl", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--http", "1"),
        "project.asgi:application",
    ]


@contextmanager
def serving(
    output: Path, command: Command = one_worker, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """Serve as the service does until the block ends; yield the base URL.

    `command` makes the server's command line from its port.
    """
    with running_server(output, command, environment) as (url, _):
        yield url


@contextmanager
def running_server(
    output: Path, command: Command, environment: dict[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve as `serving` does; yield the base URL and the process."""
    port = find_free_port()
    with output.open("w") as file:
        process = subprocess.Popen(
            command(port),
            cwd=settings.BASE_DIR,
            env=database_environment() | (environment or {}),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or is_listening(port),
            "granian answers",
            patience_s=START_PATIENCE_S,
            log=output,
        )
        assert process.poll() is None, output.read_text()
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait()
