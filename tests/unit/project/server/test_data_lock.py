"""The address of the service that runs on a data folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from project.server.data_lock import AlreadyRunning, find_running, lock_data_folder


def test_the_address_of_the_running_service_is_found(tmp_path: Path) -> None:
    assert find_running(tmp_path) is None
    with lock_data_folder(tmp_path) as record_address:
        assert find_running(tmp_path) is None
        record_address("http://127.0.0.1:8123")
        assert find_running(tmp_path) == "http://127.0.0.1:8123"
        with (
            pytest.raises(AlreadyRunning, match="already running"),
            lock_data_folder(tmp_path),
        ):
            pass
    assert find_running(tmp_path) is None


def test_the_address_of_a_killed_service_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (tmp_path / "up.lock").write_text(f"http://127.0.0.1:8123 (process {ended.pid})\n")
    assert find_running(tmp_path) is None
