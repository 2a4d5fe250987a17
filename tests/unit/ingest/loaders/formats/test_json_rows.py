"""JSON and NDJSON are cut into the rows they hold, byte for byte, whatever the blocks."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.loaders.formats.json_rows import split_json
from ingest.loaders.formats.ndjson_rows import split_ndjson
from ingest.loaders.formats.rows import FileMalformed, Rows, cut_rows

Split = Callable[[Iterable[bytes]], Iterator[Rows]]

# Few characters, so that brackets, quotes and escapes meet inside strings.
texts = st.text(alphabet='a{}[],:"\\\n é', max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
spaces = st.text(alphabet=" \t\r\n", max_size=3)


def blocks_of(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def cut(split: Split, data: bytes, size: int) -> tuple[list[bytes], list[int], str]:
    """Return the rows, their places, and the message of the damage that ends them."""
    rows: list[bytes] = []
    places: list[int] = []
    try:
        for chunk in split(blocks_of(data, size)):
            rows += chunk.texts
            places += chunk.places
    except FileMalformed as error:
        return rows, places, error.message
    return rows, places, ""


@st.composite
def documents(draw: Any) -> tuple[list[bytes], bytes]:
    """Draw the texts of rows, and a document around them."""
    indent = draw(st.sampled_from([None, 1]))
    rows = [
        json.dumps(row, ensure_ascii=False, indent=indent).encode()
        for row in draw(st.lists(values, max_size=6))
    ]
    comma = f"{draw(spaces)},{draw(spaces)}".encode()
    array = f"{draw(spaces)}[{draw(spaces)}".encode() + comma.join(rows) + b" ] "
    if draw(st.booleans()):
        other = json.dumps(draw(texts)).encode()
        return rows, b'{"rows ":[{"rows":1}], %b : [], "rows" :%b, "x": {}}' % (other, array)
    return rows, array


@given(documents(), st.integers(1, 40))
def test_a_document_is_cut_into_its_rows(document: tuple[list[bytes], bytes], size: int) -> None:
    rows, data = document
    assert cut(split_json, data, size) == (rows, list(range(len(rows))), "")


@given(st.lists(values, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\n"]))
def test_ndjson_is_cut_into_its_lines(rows: list[Any], line_end: str) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    data = line_end.join(lines).encode()
    step = line_end.count("\n")
    for size in range(1, len(data) + 2):
        found, places, damage = cut(split_ndjson, data, size)
        assert [text.decode().rstrip("\r") for text in found] == lines
        assert places == [1 + step * number for number in range(len(lines))]
        assert damage == ""


@given(st.text(alphabet='[]{}",:1a\\ ', max_size=25))
def test_any_text_gives_rows_only_where_it_is_a_document(text: str) -> None:
    data = text.encode()
    try:
        whole: Any = msgspec.json.decode(data)
    except msgspec.DecodeError:
        whole = None
    expected = whole.get("rows") if isinstance(whole, dict) else whole
    is_document = isinstance(expected, list)
    for size in (1, 3, 100):
        rows, _, damage = cut(split_json, data, size)
        assert bool(damage) != is_document
        if is_document:
            assert [msgspec.json.decode(row) for row in rows] == expected


@pytest.mark.parametrize(
    "row",
    [
        b'{"a": 1.10, "b":1e400}',
        b'{"a":"\\ud800"}',  # the service rejects this row alone
        b'{"a":12345678901234567890123}',
        b'{ "\\u00e9":"\\/" ,"a":1}',
    ],
)
@pytest.mark.parametrize("split", [split_json, split_ndjson])
def test_a_row_keeps_every_byte(split: Split, row: bytes) -> None:
    data = b"[" + row + b"]" if split is split_json else row
    assert cut(split, data, 5)[0] == [row]


@pytest.mark.parametrize(
    ("data", "rows", "message"),
    [
        (b'[{"a":1},{"a":NaN},{"a":3}]', 1, "row 1 (from 0): JSON is malformed"),
        (b'[{"a":1},]', 1, "row 1 (from 0): a row is missing here"),
        (b'[{"a":1} {"a":2}]', 1, "row 1 (from 0): a comma or the end of the array is missing"),
        (b'[{"a":1},{"a":', 1, "row 1 (from 0): the document ends before its array"),
        (b'[{"a":1}] [', 1, "after the array of rows: Extra data"),
        (b'{"rows":[{"a":1}]', 1, "after the array of rows: "),
        (b'{"rows":[{"a":1}],"rows":[]}', 1, 'the document has more than one "rows"'),
        (b'{"rows":{"a":[]}}', 0, "the document is neither"),
        (b'{"a":1}\n{"a":2}\n', 0, "the document is neither"),
        (b'"rows"', 0, "the document is neither"),
        (b" ", 0, "the document is neither"),
    ],
)
def test_json_damage_is_named_after_the_rows_before_it(
    data: bytes, rows: int, message: str
) -> None:
    for size in range(1, len(data) + 1):
        found, _, damage = cut(split_json, data, size)
        assert len(found) == rows
        assert message in damage


@pytest.mark.parametrize("line", [b'{"a":NaN}', b'{"a":1}{"a":2}', b"[" * 100_000, b'{"a":'])
def test_an_ndjson_line_that_is_no_json_is_left_to_the_service(line: bytes) -> None:
    data = b'{"a":1}\n\n%b\n{"a":2}\n' % line
    assert cut(split_ndjson, data, 1000) == ([b'{"a":1}', line, b'{"a":2}'], [1, 3, 4], "")


def test_rows_of_nested_objects_are_cut_at_their_own_braces() -> None:
    rows = [b'{"n":%d,"f":[%b]}' % (n, b",".join([b'{"x":{"y":[]}}'] * 50)) for n in range(40)]
    data = b"[" + b",\n".join(rows) + b"]"
    for size in (100, 1000, 10_000):
        assert cut(split_json, data, size)[0] == rows


def test_a_row_longer_than_many_blocks_is_one_row() -> None:
    row = b'{"a":"%b"}' % (b"}{," * 100_000)
    assert cut(split_json, b"[%b,%b]" % (row, row), 100) == ([row, row], [0, 1], "")


@pytest.mark.parametrize(("split", "start"), [(split_json, b'[{"a":"'), (split_ndjson, b'{"a":"')])
def test_an_endless_row_does_not_fill_the_memory(split: Split, start: bytes) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield start
        while True:
            taken += 1
            yield b"x" * 1024 * 1024

    chunks = cut_rows(split(endless()), max_rows=10, max_bytes=1000)
    with pytest.raises(FileMalformed, match="the row that begins here has no end"):
        next(chunks)
    assert taken <= 18
