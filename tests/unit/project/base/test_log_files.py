"""A log file shared by several processes."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from project.base.log_files import SharedLogFile

WRITE = """
import logging, sys
from project.base.log_files import SharedLogFile
logger = logging.getLogger("rowhouse")
logger.addHandler(SharedLogFile(sys.argv[1], 20000, 100))
for number in range(500):
    logger.warning('{"writer": "%s", "number": %d}', sys.argv[2], number)
"""


def test_several_processes_lose_and_mix_no_line_while_they_rotate(tmp_path: Path) -> None:
    log = tmp_path / "rowhouse.log"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(log), name]) for name in ("a", "b", "c")
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    files = [file for file in tmp_path.iterdir() if file.suffix != ".lock"]
    assert len(files) > 2
    # Two others may find room at the same moment, and write a line each.
    assert all(file.stat().st_size <= 20000 + 2 * 200 for file in files)
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    told = sorted((line["writer"], line["number"]) for line in lines)
    assert told == [(name, number) for name in ("a", "b", "c") for number in range(500)]


def test_only_so_many_old_files_are_kept(tmp_path: Path) -> None:
    handler = SharedLogFile(str(tmp_path / "x.log"), 10, 2)
    for number in range(6):
        handler.emit(logging.makeLogRecord({"msg": f"line {number}"}))
    handler.close()
    kept = {path.name: path.read_text() for path in tmp_path.glob("x.log*")}
    assert kept == {"x.log": "line 5\n", "x.log.1": "line 4\n", "x.log.2": "line 3\n"}


def test_a_removed_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    handler = SharedLogFile(str(path), 1000, 1)
    handler.emit(logging.makeLogRecord({"msg": "first"}))
    path.unlink()
    handler.emit(logging.makeLogRecord({"msg": "second"}))
    handler.close()
    assert path.read_text() == "second\n"
