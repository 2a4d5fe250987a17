"""What looks at a client's bytes takes time and memory in proportion to them.

Each case is the worst text known for its function. Processor time that is quadratic, or worse,
exceeds the limit by a factor of ten or more; what is linear needs a hundredth of it.
"""

import gzip
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest

from ingest.errors import BadRequest
from ingest.payload.csv_body import read_csv
from ingest.payload.json_body import check_numbers, open_json
from ingest.payload.json_text import has_long_number, is_deeper_than, split_rows
from ingest.validation.values.floats import geometry_adapter, row_adapter
from ingest.validation.values.numbers import numeric_adapter
from ingest.validation.values.structures import array_adapter, json_adapter
from ingest.validation.values.texts import bytes_adapter, opaque_adapter, text_adapter, uuid_adapter
from ingest.validation.values.times import interval_adapter, time_adapter, timestamp_adapter
from project.base.errors import RowhouseError
from project.http.body import read_body
from tests.cost import count_allocated, limit_cpu

CPU_S = 2.0
SIZE = 256 * 1024
# What is made of a text, several times over; what is quadratic needs a hundred times as much.
MEMORY_FACTOR, SPARE_BYTES = 8, 1 << 20

Look = Callable[[str], object]

ESCAPES = '"' + '\\"' * (SIZE // 2)
LONG_NUMBER = "1" * 1200
MOMENT = "2020-01-01T00:00:00." + "0" * 40 + "Z"
DURATION = "PT1." + "0" * 40 + "S"

NAMES = array_adapter(text_adapter(None, required=False), "text").read_field
DOCUMENT = json_adapter(9, required=False).read_field
OPAQUE = opaque_adapter("point", required=False)
ROW = row_adapter(OPAQUE, ["float8"]).check
POINT = geometry_adapter(OPAQUE).check
MOMENTS = timestamp_adapter(6, zoned=True).check_column
TIMES = time_adapter(6, zoned=True).check_column
DURATIONS = interval_adapter(6).check_column
assert NAMES
assert DOCUMENT
assert MOMENTS
assert TIMES
assert DURATIONS


def check_lines(check: Callable[[list[str]], object]) -> Look:
    return lambda text: check(text.splitlines())


def unpack(text: str) -> bytes:
    body = text.encode("latin-1")
    headers = [(b"content-length", str(len(body)).encode()), (b"content-encoding", b"gzip")]
    request = ASGIRequest({"method": "POST", "path": "/", "headers": headers}, BytesIO(body))
    return read_body(request, max_bytes=1 << 24)


def measure_depth(text: str) -> bool:
    return is_deeper_than(9, text.encode())


def find_long_number(text: str) -> bool:
    return has_long_number(text.encode(), 1000)


def read_csv_text(text: str) -> object:
    return read_csv(text.encode(), "utf-8", has_header=True)


CASES: dict[str, tuple[Look, str]] = {
    "depth of an unclosed string": (measure_depth, ESCAPES + "[" * 10),
    "depth of a string": (measure_depth, f'["{"x" * SIZE}"{"[" * 10}'),
    "depth of many brackets": (measure_depth, f"[{'[[[]]],' * (SIZE // 7)}]"),
    "depth of all brackets": (measure_depth, "[" * SIZE + "]" * SIZE + "["),
    "a number after an unclosed string": (find_long_number, ESCAPES + LONG_NUMBER),
    "a number beside a string": (find_long_number, f'[{LONG_NUMBER},"{"x" * SIZE}"]'),
    "a number beside escapes": (find_long_number, f'[{LONG_NUMBER},{ESCAPES}"]'),
    "short numbers": (lambda text: check_numbers(text.encode(), 200), f"{'1' * 199}," * 2000),
    "an envelope": (
        lambda text: open_json(text.encode(), max_depth=9),
        '{"rows":[],"x":' + ESCAPES,
    ),
    "half a surrogate pair": (
        lambda text: split_rows(text.encode()),
        f'["\\ud800","{"x" * SIZE}"]',
    ),
    "gzip of empty members": (unpack, gzip.compress(b"", mtime=0).decode("latin-1") * SIZE),
    "gzip with a long name": (unpack, "\x1f\x8b\x08\x08\0\0\0\0\0\0" + "a" * SIZE),
    "CSV with an unclosed quote": (read_csv_text, 'a\n"' + '""' * SIZE),
    "CSV with text after a quote": (read_csv_text, "a\n" + '"",' * SIZE + '""x'),
    "an array's unclosed text": (NAMES, "{" + ESCAPES),
    "an array's spaces": (NAMES, "{a" + " " * SIZE + "\\"),
    "an array's words": (NAMES, "{" + "a " * SIZE + "\\"),
    "a document's unclosed text": (DOCUMENT, "[" * 10 + ESCAPES),
    "a row's quotes": (ROW, "(" + '"' * SIZE),
    "a row's unclosed text": (ROW, "(" + ESCAPES),
    "a point's digits": (POINT, "(" + "1" * SIZE),
    "timestamps with zeros": (check_lines(MOMENTS), f"{MOMENT}\n" * 100 + "x"),
    "times with zeros": (check_lines(TIMES), f"{MOMENT[11:]}\n" * 100 + "x"),
    "intervals with zeros": (check_lines(DURATIONS), f"{DURATION}\n" * 100 + "x"),
    "an interval's units": (check_lines(DURATIONS), "1 day " * SIZE + "x"),
    "a long number": (numeric_adapter(None).check, "1." + "0" * SIZE + "x"),
    "a long uuid": (uuid_adapter().check, "0" * SIZE),
    "long bytes": (bytes_adapter().check, "\\x" + "00" * SIZE + "!"),
}


@pytest.mark.parametrize("name", CASES)
def test_time_and_memory_are_linear(name: str) -> None:
    look, text = CASES[name]

    def run() -> None:
        with suppress(BadRequest, RowhouseError, ValueError):
            look(text)

    with limit_cpu(CPU_S):
        assert count_allocated(run) <= MEMORY_FACTOR * len(text) + SPARE_BYTES
