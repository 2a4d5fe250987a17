"""Starting the embedded server where the operating system refuses something."""

import os
from pathlib import Path

import pytest

from project.server.postgres.cluster import ServerSettings, write_where_changed
from project.server.postgres.postmaster import PostgresError
from project.server.postgres.server import start_server


def test_what_the_disk_refuses_is_an_error_with_a_code(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    settings = ServerSettings(
        folder=tmp_path, password="secret", port=0, shared_buffers="16MB", max_connections=20
    )
    with pytest.raises(PostgresError, match="lock: Is a directory"):
        start_server(settings)


def test_a_file_that_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.write_text("1\n")
    os.utime(path, (0, 0))
    write_where_changed(path, "1\n")
    assert path.stat().st_mtime == 0
    write_where_changed(path, "2\n")
    assert path.read_text() == "2\n"
