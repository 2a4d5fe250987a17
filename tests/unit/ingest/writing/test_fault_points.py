"""The points where tests make the process fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.writing.fault_points import Point, listeners, reach

ROOT = Path(__file__).parents[4]

SERVICE = """
import project.asgi
from ingest.writing.fault_points import listeners
print(len(listeners))
"""


def test_a_listener_is_told_the_point_and_may_stop_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Point] = []

    def fail(point: Point) -> None:
        told.append(point)
        raise ZeroDivisionError

    monkeypatch.setattr("ingest.writing.fault_points.listeners", [fail])
    with pytest.raises(ZeroDivisionError):
        reach(Point.COMMITTED)
    assert told == [Point.COMMITTED]


def test_nothing_listens_in_the_service_whatever_its_environment(tmp_path: Path) -> None:
    orders = {"ROWHOUSE_TEST_ORDERS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", SERVICE],
        cwd=ROOT,
        env=os.environ | orders,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
    assert listeners == []
