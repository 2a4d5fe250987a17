"""A value that is accepted is stored as it was meant, exactly; any other one is refused."""

import base64
import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingest.validation.values.adapter import Fault
from ingest.validation.values.floats import float_adapter
from tests.api.sending import execute, send, stored
from tests.near_misses import EXAMPLES, near_misses, spell_json
from tests.scale import scale

pytestmark = pytest.mark.usefixtures("database")

Meaning = Callable[[str], Any]


def read_integer(text: str) -> int:
    assert re.fullmatch("-?[0-9]+", text), text
    return int(text)


def read_moment(text: str) -> Any:
    text = re.sub(r"(\.[0-9]{1,6})0*", r"\1", text.upper())
    moment = dt.datetime.fromisoformat(re.sub("([+-][0-9]{2})$", r"\1:00", text))
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(dt.UTC)


def read_time(text: str) -> tuple[dt.time, dt.timedelta | None]:
    text = re.sub(r"(\.[0-9]{1,6})0*", r"\1", text.upper())
    time = dt.time.fromisoformat(re.sub("([+-][0-9]{2})$", r"\1:00", text))
    return time.replace(tzinfo=None), time.utcoffset()


def read_interval(text: str) -> tuple[Decimal, ...]:
    """Return months, days and seconds of PostgreSQL's output or of what clients send."""
    months = days = seconds = Decimal(0)
    if "P" in text:
        sign = -1 if text.startswith("-") else 1
        date, _, time = text.lstrip("-")[1:].partition("T")
        for number, unit in re.findall("(-?[0-9.]+)([YMWD])", date):
            months += {"Y": 12, "M": 1}.get(unit, 0) * Decimal(number)
            days += {"W": 7, "D": 1}.get(unit, 0) * Decimal(number)
        for number, unit in re.findall("(-?[0-9.]+)([HMS])", time):
            seconds += Decimal({"H": 3600, "M": 60, "S": 1}[unit]) * Decimal(number)
        return sign * months, sign * days, sign * seconds
    for number, unit in re.findall("([+-]?[0-9.]+) ([a-z]+)", text):
        value, name = Decimal(number), unit.rstrip("s")
        months += {"year": 12, "mon": 1, "month": 1}.get(name, 0) * value
        days += {"week": 7, "day": 1}.get(name, 0) * value
        seconds += {"hour": 3600, "minute": 60, "second": 1}.get(name, 0) * value
    clock = re.search(r"([+-]?)([0-9]+):([0-9]+)(?::([0-9.]+))?$", text)
    if clock:
        minus, hours, minutes, rest = clock.groups()
        total = int(hours) * 3600 + int(minutes) * 60 + Decimal(rest or 0)
        seconds += -total if minus == "-" else total
    return months, days, seconds


def read_bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:]) if text.startswith("\\x") else base64.b64decode(text)


def read_array(element: Meaning) -> Meaning:
    def read(text: str) -> Any:
        if text.lstrip().startswith("["):
            return read_elements(json.loads(text, parse_float=str, parse_int=str))
        ((array,),) = stored_array(text)
        return read_elements(array)

    def read_elements(value: Any) -> Any:
        if isinstance(value, list):
            return [read_elements(one) for one in value]
        if isinstance(value, bool):
            value = "true" if value else "false"
        return value if value is None else element(value)

    return read


def stored_array(text: str) -> list[Any]:
    quoted = text.replace("'", "''")
    return stored(f"SELECT '{quoted}'::text[]")


def read_document(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


MEANINGS: dict[str, Meaning] = {
    "smallint": read_integer,
    "integer": read_integer,
    "bigint": read_integer,
    "real": Decimal,
    "double precision": Decimal,
    "numeric": Decimal,
    "numeric(6,2)": Decimal,
    "numeric(3,-2)": Decimal,
    "boolean": lambda text: {"t": True, "true": True, "f": False, "false": False}[text.lower()],
    "date": dt.date.fromisoformat,
    "time": read_time,
    "time(2)": read_time,
    "timetz": read_time,
    "timestamp": read_moment,
    "timestamp(0)": read_moment,
    "timestamptz": read_moment,
    "interval": read_interval,
    "interval(0)": read_interval,
    "uuid": uuid.UUID,
    "bytea": read_bytes,
    "varchar(5)": str,
    "char(3)": lambda text: text.rstrip(" "),
    "name": str,
    '"char"': str,
    "money": lambda text: Decimal(text.replace("$", "").replace(",", "")),
    "integer[]": read_array(int),
    "text[]": read_array(str),
    "numeric(4,1)[]": read_array(Decimal),
    "timestamptz[]": read_array(read_moment),
    "boolean[]": read_array(lambda text: text in {"t", "true"}),
    "jsonb": read_document,
    "json": read_document,
}


def send_values(client: Client, body: str, content_type: str) -> dict[int, str | None]:
    """Send rows of a table and return what is stored, by place in the body."""
    execute("DELETE FROM hiring.made")
    answer = send(client, "made", body, content_type=content_type)
    receipt = answer.json()
    assert answer.status_code in {201, 207, 422}, receipt
    kept = dict(stored("SELECT id, v::text FROM hiring.made"))
    rejected = {one["index"] for one in receipt["rejections"]}
    assert rejected.isdisjoint(kept)
    assert len(rejected) + len(kept) == receipt["received"]
    return kept


@pytest.mark.parametrize("type_name", MEANINGS)
def test_what_is_accepted_is_stored_exactly(client: Client, type_name: str) -> None:
    execute(f"CREATE TABLE hiring.made (id int, v {type_name})")
    meaning = MEANINGS[type_name]
    examples = EXAMPLES[type_name][0]

    @settings(
        max_examples=scale(3),
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # shrinking a batch takes long
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(st.lists(near_misses(type_name), min_size=20, max_size=60))
    def check(texts: list[str]) -> None:
        spelled = [spell_json(type_name, text) for text in texts]
        rows = [f'{{"id": {i}, "v": {value}}}' for i, value in enumerate(spelled)]
        in_json = send_values(client, f"[{','.join(rows)}]", "application/json")
        assert in_json == send_values(client, "\n".join(rows), "application/x-ndjson")
        for place, value in in_json.items():
            sent = json.loads(spelled[place]) if spelled[place].startswith('"') else spelled[place]
            if type_name in {"json", "jsonb"}:
                sent = spelled[place]
            assert value is None or meaning(value) == meaning(sent), (sent, value)
            assert value is not None or sent == "null"
        lines = [f'{i},"{text.replace(chr(34), chr(34) * 2)}"' for i, text in enumerate(texts)]
        in_csv = send_values(client, "\n".join(["id,v", *lines]), "text/csv")
        for place, value in in_csv.items():
            sent = texts[place]
            assert value is None or meaning(value) == meaning(sent), (sent, value)
            assert value is not None or sent == ""

    check()
    # Alone each, the quick look at a whole batch is the one that decides.
    for text in examples:
        row = f'[{{"id": 0, "v": {spell_json(type_name, text)}}}]'
        for value in send_values(client, row, "application/json").values():
            assert value is None or meaning(value) == meaning(text), (text, value)


@st.composite
def floats(draw: st.DrawFn, width: Literal[32, 64]) -> str:
    """Return a number near a value that floats have, or half way between two of them."""
    value = draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
    if draw(st.booleans()):
        value = math.ldexp(1.0, draw(st.integers(-140, 120))) * draw(st.sampled_from([1, 3, -5]))
    exact = Decimal(value)
    if width == 64 and draw(st.booleans()):
        exact = (exact + Decimal(math.nextafter(value, math.inf))) / 2
    return f"{exact:.{draw(st.integers(0, 18))}e}"


@pytest.mark.parametrize(("type_name", "base", "width"), [
    ("real", "float4", 32),
    ("double precision", "float8", 64),
])  # fmt: skip
def test_numbers_are_refused_where_postgresql_would_write_another(
    client: Client, type_name: str, base: str, width: Literal[32, 64]
) -> None:
    check = float_adapter(base).check

    @settings(max_examples=scale(20), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(floats(width), min_size=50, max_size=50))
    def compare(texts: list[str]) -> None:
        sound = [
            text
            for text in texts
            if not isinstance(fault := check(text), Fault) or fault.code == "precision_lost"
        ]
        written = stored(f"SELECT t::{type_name}::text FROM unnest(%s::text[]) AS t", [sound])
        for text, (kept,) in zip(sound, written, strict=True):
            is_kept = not isinstance(check(text), Fault)
            assert is_kept == (Decimal(kept) == Decimal(text)), (text, kept)

    compare()


INPUT_OF_LATER_VERSIONS = ["1_000", "0x1F", "0o17", "0b11", " 5", "5 ", "+5", "5.", "1e3", "५"]


@pytest.mark.parametrize("type_name", ["integer", "bigint", "smallint"])
def test_takes_integers_in_one_spelling_only(client: Client, type_name: str) -> None:
    execute(f"CREATE TABLE hiring.made (id int, v {type_name})")
    rows = [{"id": i, "v": text} for i, text in enumerate(INPUT_OF_LATER_VERSIONS)]
    assert send_values(client, json.dumps(rows), "application/json") == {}
    lines = [f"{row['id']},{row['v']}" for row in rows]
    assert send_values(client, "\n".join(["id,v", *lines]), "text/csv") == {}
    for row in rows:
        assert send_values(client, json.dumps([row]), "application/json") == {}
