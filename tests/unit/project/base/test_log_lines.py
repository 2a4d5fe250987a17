"""Log lines: what is in them, and what is not."""

import json
import logging
import sys
from typing import Any

import psycopg
import pytest

from project.base.errors import RowhouseError
from project.base.log_lines import JsonLines

SECRET = "a value of a row"


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
    assert "test_log_lines.py" in told[0]
    assert told[0].endswith("fail")


def test_rowhouses_own_errors_keep_their_message() -> None:
    try:
        raise RowhouseError("the port is taken")
    except RowhouseError:
        written = line("rowhouse.up", "x", exc_info=sys.exc_info())
    assert written["exception"].endswith("project.base.errors.RowhouseError: the port is taken")
