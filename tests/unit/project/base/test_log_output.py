"""Log lines: what is in them, and what is not; the file that several processes share."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from project.base.errors import RowhouseError
from project.base.log_output import JsonLines, LinesForPeople, SharedLogFile

SECRET = "a value of a row"

WRITE = """
import logging, sys
from project.base.log_output import SharedLogFile
logger = logging.getLogger("rowhouse")
logger.addHandler(SharedLogFile(sys.argv[1], 20000, 100))
for number in range(500):
    logger.warning('{"writer": "%s", "number": %d}', sys.argv[2], number)
"""


def line(name: str, message: str, *arguments: Any, **fields: Any) -> dict[str, Any]:
    record = logging.LogRecord(
        name, logging.ERROR, "module.py", 1, message, arguments, fields.pop("exc_info", None)
    )
    vars(record).update(fields)
    decoded: dict[str, Any] = json.loads(JsonLines().format(record))
    return decoded


def test_own_records_have_their_fields_and_the_time_in_utc() -> None:
    written = line("rowhouse.up", "%d rows", 3, table="hiring.jobs", ms=1.5)
    assert (written["message"], written["table"], written["ms"]) == ("3 rows", "hiring.jobs", 1.5)
    assert written["time"].endswith("+00:00")
    assert (written["level"], written["logger"]) == ("ERROR", "rowhouse.up")


def test_a_terminal_gets_words_instead_of_json() -> None:
    record = logging.LogRecord("rowhouse.x", logging.INFO, "module.py", 1, "request", (), None)
    vars(record).update(route="api/ingest", status=201, thing=object(), batch=None)
    JsonLines().format(record)
    clock, *words = LinesForPeople().format(record).split(" ")
    assert clock.count(":") == 2
    assert words == ["request", "route=api/ingest", "status=201", 'thing="object"', "batch=null"]
    other = logging.LogRecord(
        "django.x", logging.ERROR, "m.py", 1, f"%s\n{SECRET}", (SECRET,), None
    )
    assert SECRET not in LinesForPeople().format(other)


def test_a_field_that_is_no_plain_value_is_named_by_its_type() -> None:
    assert line("rowhouse.up", "x", thing=object())["thing"] == "object"


def test_other_libraries_records_keep_only_their_own_words() -> None:
    written = line("django.x", f"%s failed\n{SECRET}", SECRET, request=SECRET)
    assert written["message"] == "%s failed"
    assert SECRET not in json.dumps(written)


def test_an_exception_is_its_places_and_kinds_without_messages() -> None:
    def fail() -> None:
        try:
            raise psycopg.errors.UniqueViolation(SECRET)
        except psycopg.Error as error:
            raise ValueError(SECRET) from error

    with pytest.raises(ValueError, match=SECRET):
        fail()
    try:
        fail()
    except ValueError:
        written = line("rowhouse.request", "unexpected error", exc_info=sys.exc_info())
    assert SECRET not in json.dumps(written)
    told = written["exception"].splitlines()
    assert told[1] == "psycopg.errors.UniqueViolation (SQLSTATE 23505)"
    assert told[2] == "which led to:"
    assert told[-1] == "builtins.ValueError"
    assert "test_log_output.py" in told[0]
    assert told[0].endswith("fail")


def test_rowhouses_own_errors_keep_their_message() -> None:
    try:
        raise RowhouseError("the port is taken")
    except RowhouseError:
        written = line("rowhouse.up", "x", exc_info=sys.exc_info())
    assert written["exception"].endswith("project.base.errors.RowhouseError: the port is taken")


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
