"""The web server as `manage.py up` runs it, on the test database, with settings of its own."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from project.startup import web_command
from tests.conftest import database_url, wait_for_port


@contextmanager
def serving(config: Path, folder: Path) -> Iterator[int]:
    """Serve with a settings file until the block ends; yield the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    output = folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            web_command("127.0.0.1", port),
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": database_url(), "ROWHOUSE_CONFIG": str(config)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_port(port, process, output)
        yield port
    finally:
        process.terminate()
        process.wait()
