"""What is exported as CSV comes back exactly: sent, loaded, as updates, and replayed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier, Literal

from ingest.management.commands.load import Command
from tests.api.extremes import EXTREMES
from tests.api.replaying import bulk
from tests.api.sending import execute, send, stored
from tests.api.tables import EVERY_TYPE, body_of
from tests.scale import is_short, scale

pytestmark = pytest.mark.usefixtures("database")

# Texts that look like what they are not.
TEXTS = ["", "NA", "\\N", "NULL", "null", '""', '"', ",", "a,b", " ", "x ", "\n", "\r", "=1", "é"]
SHORT = [text for text in TEXTS if text.rstrip(" ") == text and len(text) <= 4]
POOLS: dict[str, list[str]] = {
    name: [row[name] for row in EXTREMES if name in row] for name in EVERY_TYPE
}
POOLS["words"] += TEXTS
POOLS["short"] += TEXTS
POOLS["fixed"] += SHORT
POOLS["names"] += ['{"",NULL,"NULL","NA","\\\\N"}', '{{"a"},{""}}', "{NULL}"]
POOLS["plain_json"] += ['""', '"NA"', "[ ]", "5"]
POOLS["binary_json"] += ['""', '"\\\\N"', "{}"]
POOLS["bytes"] += ["", "\\x00"]
POOLS["numbers"] += ["{}", "{NULL}"]
# Columns that have a default, of the types above.
DEFAULTS = {"words": "NA", "small": "7", "flag": "t", "day": "2020-02-02", "binary_json": '{"a":1}'}
COLUMNS = [*EVERY_TYPE, *(f"own_{name}" for name in DEFAULTS)]

ROWS = st.lists(
    st.fixed_dictionaries(
        {name: st.sampled_from([*POOLS[name.removeprefix("own_")], None]) for name in COLUMNS}
    ),
    min_size=1,
    max_size=12,
)
NULLS = st.sampled_from([["\\N"], ["NA"], ["NA", "\\N", ""], [""], ["null"]])

SETTINGS: dict[str, Any] = {
    "deadline": None,
    "derandomize": is_short(),
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture
def twins(client: Client) -> Client:
    """Return a client; there are two tables with every type, and which ids one may have."""
    columns = [
        SQL("{} {}").format(Identifier(name), SQL(type_name))
        for name, type_name in EVERY_TYPE.items()
    ] + [
        SQL("{} {} DEFAULT {}").format(
            Identifier(f"own_{name}"), SQL(EVERY_TYPE[name]), Literal(value)
        )
        for name, value in DEFAULTS.items()
    ]
    execute("CREATE TABLE hiring.allowed (id int PRIMARY KEY)")
    execute(
        SQL("CREATE TABLE hiring.source (id int PRIMARY KEY, {})").format(SQL(", ").join(columns))
    )
    execute("CREATE TABLE hiring.twin (LIKE hiring.source INCLUDING ALL)")
    execute("ALTER TABLE hiring.twin ADD FOREIGN KEY (id) REFERENCES hiring.allowed")
    return client


def fill(rows: list[dict[str, str | None]]) -> None:
    """Have the source hold these rows, and let its twin hold them too."""
    for table in ("source", "twin", "allowed"):
        execute(SQL("DELETE FROM {}").format(Identifier("hiring", table)))
    fill_source(rows)
    execute("INSERT INTO hiring.allowed SELECT id FROM hiring.source")


def fill_source(rows: list[dict[str, str | None]]) -> None:
    names = SQL(", ").join(map(Identifier, COLUMNS))
    for place, row in enumerate(rows):
        values = SQL(", ").join(Literal(row[name]) for name in COLUMNS)
        execute(
            SQL("INSERT INTO hiring.source (id, {}) VALUES ({}, {})").format(
                names, Literal(place), values
            )
        )


def export(client: Client, nulls: list[str]) -> bytes:
    query = urlencode({"format": "csv", "null": nulls}, doseq=True)
    return body_of(client.get(f"/api/tables/source/rows?{query}"))


def send_csv(client: Client, body: bytes, nulls: list[str], **parameters: str) -> Any:
    query = urlencode({"null": nulls, **parameters}, doseq=True)
    return send(client, "twin", body, f"?{query}", content_type="text/csv")


def check_twins() -> None:
    different = stored(
        "SELECT one::text, other::text FROM hiring.source one"
        " FULL JOIN hiring.twin other USING (id) WHERE one::text IS DISTINCT FROM other::text"
    )
    assert different == []


def test_rows_come_back_when_they_are_sent(twins: Client) -> None:
    @settings(max_examples=scale(8), **SETTINGS)
    @given(ROWS, NULLS)
    def check(rows: list[dict[str, str | None]], nulls: list[str]) -> None:
        fill(rows)
        answer = send_csv(twins, export(twins, nulls), nulls)
        assert answer.status_code == 201, answer.json()
        check_twins()

    check()


def test_rows_update_others_to_what_they_are(twins: Client) -> None:
    @settings(max_examples=scale(8), **SETTINGS)
    @given(ROWS, NULLS)
    def check(rows: list[dict[str, str | None]], nulls: list[str]) -> None:
        fill([*rows[1:], rows[0]])
        execute("INSERT INTO hiring.twin SELECT * FROM hiring.source")
        execute("DELETE FROM hiring.source")
        twin = stored("SELECT count(*) FROM hiring.twin")
        fill_source(rows)
        answer = send_csv(twins, export(twins, nulls), nulls, on_conflict="update")
        assert answer.status_code == 201, answer.json()
        assert stored("SELECT count(*) FROM hiring.twin") == twin
        check_twins()

    check()


@pytest.mark.parametrize("way", ["as they were", "as fields", "as records"])
def test_rows_come_back_when_they_are_replayed(twins: Client, way: str) -> None:
    @settings(max_examples=scale(4), **SETTINGS)
    @given(ROWS, NULLS)
    def check(rows: list[dict[str, str | None]], nulls: list[str]) -> None:
        fill(rows)
        execute("DELETE FROM hiring.allowed")
        answer = send_csv(twins, export(twins, nulls), nulls)
        assert answer.status_code == 422
        execute("INSERT INTO hiring.allowed SELECT id FROM hiring.source")
        batch = answer.json()["batch"]
        if way == "as they were":
            answer = bulk(twins, f"?batch={batch}")
            assert answer.json()["replayed"] == len(rows), answer.json()
        else:
            for one in twins.get(f"/api/rejections?batch={batch}").json()["results"]:
                replay_corrected(twins, one["links"]["self"], way)
        check_twins()

    check()


def replay_corrected(client: Client, address: str, way: str) -> None:
    kept = client.get(address).json()
    body, content_type = (
        (json.dumps(kept["row"]), "application/json")
        if way == "as fields"
        else (kept["raw"], "text/csv")
    )
    answer = client.post(f"{address}/replay", body, content_type=content_type)
    assert answer.status_code == 201, answer.json()


def test_rows_come_back_when_they_are_loaded(
    twins: Client, server: str, api_key: Callable[..., str], tmp_path: Path
) -> None:
    path, key = tmp_path / "rows.csv", api_key("read", "ingest")
    options = ["--url", server, "--key", key, "--quiet", "--batch-size", "3"]

    @settings(max_examples=scale(4), **SETTINGS)
    @given(ROWS, NULLS, st.sampled_from([[], ["--columns", "words=words"]]))
    def check(rows: list[dict[str, str | None]], nulls: list[str], more: list[str]) -> None:
        fill(rows)
        path.write_bytes(export(twins, nulls))
        words = [option for word in nulls for option in ("--null", word)]
        Command().run_from_argv(["manage.py", "load", "twin", str(path), *options, *words, *more])
        check_twins()

    check()


def test_without_a_word_null_takes_the_default(twins: Client) -> None:
    fill([dict.fromkeys(COLUMNS)])
    assert send_csv(twins, export(twins, []), []).status_code == 201
    assert stored("SELECT words, own_words, own_small, own_flag FROM hiring.twin") == [
        (None, "NA", 7, True)
    ]
