"""POST /api/ingest/{table}: compiled code changes neither answers nor rows."""

import _ctypes
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL, Identifier

from ingest.validation import validator
from ingest.validation.native import library
from ingest.validation.native.library import load_library, warn_without_library
from ingest.writing.rows.copy_in import copy_in
from ingest.writing.tables import exposed_tables
from tests.api.sending import codes, counts, execute, send, stored
from tests.api.tables import make_trigger
from tests.native import build_library, copy_sources, swap_members
from tests.needs import need

pytestmark = pytest.mark.usefixtures("made_things")

TABLES = """
    CREATE DOMAIN hiring.small AS integer CHECK (VALUE < 100);
    CREATE TABLE hiring.parent (id integer PRIMARY KEY);
    INSERT INTO hiring.parent VALUES (1), (2);
    CREATE TABLE hiring.made (
        id integer PRIMARY KEY, p integer REFERENCES hiring.parent, name text NOT NULL,
        city text DEFAULT 'Bern', level hiring.small, weight numeric(6,2) CHECK (weight > 0),
        moment timestamptz, token uuid UNIQUE, sure boolean NOT NULL DEFAULT true);
"""
JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
TOKEN = "6F1C6BB0-58a4-4d0b-9a0c-33ab7b7f8a11"

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "Ann", "p": 1, "weight": "1.50", "moment": "2024-02-29T23:59:59.5+05:30"},
    {"id": "2", "name": 'Bö "x" \\ \n', "p": "2", "level": None, "token": TOKEN},
    {"id": -3, "name": "\U0001f600", "p": None, "weight": 9999.99, "level": 99},
]
CSV_ROWS = f"""id,name,P,weight,Moment,level,token
1,Ann,1,1.50,2024-02-29T23:59:59.5+05:30,,
2,"Bö ""x"" \\ \n",2,,,,{TOKEN}
-3,\U0001f600,,9999.99,,99,"""


def change(place: int, **values: Any) -> list[dict[str, Any]]:
    """Return the rows with some values of one of them changed."""
    return [row | values if place == at else row for at, row in enumerate(ROWS)]


def lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(map(json.dumps, rows))


@dataclass(frozen=True)
class Case:
    """A body, how often rows of it are stored in binary, and the errors of the rejected ones."""

    body: Any
    content_type: str = JSON
    encoded: int = 1
    rejected: dict[int, list[tuple[str, str | None]]] | None = None
    query: str = ""
    trigger: str | None = None


CASES = {
    "json": Case(ROWS),
    "json with all columns": Case([row | {"city": "Thun", "sure": False} for row in ROWS]),
    "json with a default in some rows": Case(change(1, city="Thun")),
    "json with a default that is null": Case([row | {"city": None} for row in ROWS]),
    "ndjson": Case(lines(ROWS), NDJSON),
    "csv": Case(CSV_ROWS, CSV),
    "csv of an other system": Case("\ufeff" + CSV_ROWS.replace("\n", "\r\n"), CSV),
    "csv without a header": Case(
        f"1,1,Ann,Thun,,,,{TOKEN},t\n\n2,2,Bo,Bern,99,0.01,2021-01-01T00:00Z,,f\n",
        CSV,
        query="?header=absent",
    ),
    "a bad value in json": Case(
        change(1, moment="2021-02-29T00:00:00Z"),
        JSON,
        rejected={1: [("bad_timestamp", "moment")]},
    ),
    "a bad value in ndjson": Case(
        lines(change(0, level="x")),
        NDJSON,
        rejected={0: [("not_integer", "level")]},
    ),
    "a bad value in csv": Case(
        CSV_ROWS.replace("9999.99", "9999.999"),
        CSV,
        rejected={2: [("scale_exceeded", "weight")]},
    ),
    "a short record in csv": Case(
        CSV_ROWS.replace("\n-3", '\n"4",x\n-3'), CSV, rejected={2: [("column_count", None)]}
    ),
    "many bad records at first": Case(
        CSV_ROWS.replace("\n1,", "\n,,,,,," * 32 + "\n1,"),
        CSV,
        encoded=0,
        rejected={
            at: [("required_missing", "id"), ("required_missing", "name")] for at in range(32)
        },
    ),
    "a reference that is missing in csv": Case(
        CSV_ROWS.replace("\n-3,\U0001f600,", "\n-3,\U0001f600,3"),
        CSV,
        rejected={2: [("fk_violation", "p")]},
    ),
    "an endless number in csv": Case(
        CSV_ROWS.replace(",99,", f",{'9' * 1200},"), CSV, rejected={2: [("out_of_range", "level")]}
    ),
    "a missing value": Case(change(2, name=""), rejected={2: [("required_missing", "name")]}),
    "a value that is nested": Case(change(1, p={"a": ["}"]}), rejected={1: [("not_integer", "p")]}),
    "an unknown column": Case(change(0, x="]{"), rejected={0: [("unknown_column", "x")]}),
    "a bad value beside a key twice": Case(
        change(1, moment="")[:2] + change(2, id=1)[1:],
        rejected={1: [("bad_timestamp", "moment")], 3: [("duplicate_in_batch", None)]},
    ),
    "only bad values": Case(
        [row | {"name": None} for row in ROWS],
        encoded=0,
        rejected={at: [("null_not_allowed", "name")] for at in range(3)},
    ),
    "some bad rows at first": Case(
        [{"id": "x", "name": "Ann"}] * 31 + ROWS,
        rejected={at: [("not_integer", "id")] for at in range(31)},
    ),
    "many bad rows at first": Case(
        [{"id": "x", "name": "Ann"}] * 32 + ROWS,
        encoded=0,
        rejected={at: [("not_integer", "id")] for at in range(32)},
    ),
    "a broken line": Case(
        lines(ROWS) + "\n{", NDJSON, encoded=0, rejected={3: [("bad_json", None)]}
    ),
    "a line that is broken within": Case(
        lines(ROWS) + '\n{"id": 1, "name": [}',
        NDJSON,
        encoded=0,
        rejected={3: [("bad_json", None)]},
    ),
    "a line that goes on in the next": Case(
        lines(ROWS) + '\n{"id": {"x": 1}\n{"y": 2}}\n{"id": 8}, {"id": 9}',
        NDJSON,
        encoded=0,
        rejected={at: [("bad_json", None)] for at in range(3, 6)},
    ),
    "a key twice": Case(change(2, id=1), encoded=2, rejected={2: [("duplicate_in_batch", None)]}),
    "a key twice in csv": Case(
        CSV_ROWS.replace("\n-3", "\n1"),
        CSV,
        encoded=2,
        rejected={2: [("duplicate_in_batch", None)]},
    ),
    "a unique value twice": Case(
        change(0, token=TOKEN.lower()), encoded=2, rejected={1: [("duplicate_in_batch", None)]}
    ),
    "a key that is there": Case(
        change(0, id=7), encoded=2, rejected={0: [("duplicate_key", None)]}
    ),
    "a missing reference": Case(change(1, p=3), rejected={1: [("fk_violation", "p")]}),
    "a missing reference in ndjson": Case(
        lines(change(1, p="3")), NDJSON, rejected={1: [("fk_violation", "p")]}
    ),
    "a check": Case(change(1, weight=0), encoded=2, rejected={1: [("check_violation", "weight")]}),
    "a domain's check": Case(
        change(1, level=100), encoded=2, rejected={1: [("check_violation", "level")]}
    ),
    "a trigger": Case(
        change(1, name="skip"),
        rejected={1: [("trigger_rejected", None)]},
        trigger="RETURN CASE WHEN NEW.name <> 'skip' THEN NEW END;",
    ),
    "a trigger that changes rows": Case(ROWS, trigger="NEW.city := NEW.weight; RETURN NEW;"),
}


@dataclass(frozen=True)
class Outcome:
    """What a batch led to, the same request again, and how often rows were stored in binary."""

    answers: list[Any]
    rows: list[Any]
    rejections: list[Any]
    encoded: int


@pytest.fixture
def made(client: Client) -> Client:
    execute(TABLES)
    return client


@pytest.fixture
def new_registry() -> Iterator[Callable[[], None]]:
    """Return a function that has tables read anew; it is called at the end too."""
    yield exposed_tables.cache_clear
    exposed_tables.cache_clear()


def send_case(client: Client, case: Case, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Send a case twice with one key to a table that has one row."""
    for table in ("hiring.made", "service.rejection", "service.idempotency_key"):
        execute(SQL("DELETE FROM {}").format(Identifier(*table.split("."))))
    execute("INSERT INTO hiring.made (id, name) VALUES (7, 'there')")
    written: list[str] = []

    def watch(connection: Any, statement: str, pieces: Any) -> int:
        written.append(statement)
        return copy_in(connection, statement, pieces)

    with monkeypatch.context() as patch:
        patch.setattr("ingest.writing.rows.writer.copy_in", watch)
        answers = [
            send(
                client,
                "made",
                case.body,
                case.query,
                content_type=case.content_type,
                **{"Idempotency-Key": "k"},
            )
            for _ in range(2)
        ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    return Outcome(
        [(answer.status_code, _lasting(answer.json())) for answer in answers],
        stored("SELECT made::text FROM hiring.made ORDER BY id"),
        stored('SELECT "index", raw FROM service.rejection ORDER BY "index"'),
        sum("FORMAT binary" in statement for statement in written),
    )


def _lasting(receipt: dict[str, Any]) -> dict[str, Any]:
    return {name: receipt[name] for name in receipt.keys() - {"batch", "duration_ms"}}


@pytest.mark.parametrize("name", CASES)
def test_compiled_code_changes_no_answer_and_no_row(
    made: Client,
    new_registry: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    need(load_library(), "compiled code (make ingest/validation/native/rows.so)")
    case = CASES[name]
    if case.trigger:
        make_trigger("made", case.trigger)
    new_registry()
    with_code = send_case(made, case, monkeypatch)
    new_registry()
    monkeypatch.setattr(validator, "make_encoder", lambda *_: None)
    without = send_case(made, case, monkeypatch)
    assert (with_code.encoded, without.encoded) == (case.encoded, 0)
    assert with_code.answers == without.answers
    assert with_code.rows == without.rows
    assert with_code.rejections == without.rejections
    rejected = case.rejected or {}
    assert codes(with_code.answers[0][1]) == rejected
    assert len(with_code.rows) - 1 + len(rejected) == with_code.answers[0][1]["received"]


def make_library(path: Path, kind: str) -> None:
    """Make a file where compiled code is expected, but none that can be used."""
    if kind == "text":
        path.write_text("no library")
    elif kind == "another library":
        path.write_bytes(Path(_ctypes.__file__).read_bytes())
    elif kind == "another version":
        swap_members(copy_sources(path.parent) / "batch.h")
        build_library(path.parent).rename(path)


@pytest.mark.parametrize("kind", ["text", "another library", "another version", "none"])
def test_code_that_cannot_be_used_is_not_used(
    made: Client,
    new_registry: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    kind: str,
) -> None:
    path = tmp_path / "rows.so"
    make_library(path, kind)
    monkeypatch.setattr(library, "LIBRARY", path)
    load_library.cache_clear()
    try:
        warn_without_library()
        new_registry()
        assert counts(send(made, "made", ROWS)) == (3, 3, 0, 0, 0)
        assert load_library() is None
    finally:
        load_library.cache_clear()
    warnings = [record.name for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [library.logger.name]
