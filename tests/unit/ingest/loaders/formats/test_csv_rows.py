"""CSV is cut into the records Python's csv module reads, whatever the blocks."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.loaders.formats.csv_rows import split_csv
from ingest.loaders.formats.rows import FileMalformed, Rows, cut_rows

# Few characters, so that quotes, line ends and delimiters meet in every way.
csv_text = st.text(alphabet='ab,"\n\r é', max_size=40)
tidy_rows = st.lists(
    st.lists(st.text(alphabet='ab ,"\n\r;é', max_size=6), min_size=2, max_size=4), max_size=12
)


def blocks_of(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read_whole(text: str) -> tuple[list[list[str]], bool]:
    """Return the csv module's records and whether it found all of the text well-formed."""
    records: list[list[str]] = []
    try:
        records.extend(row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row)
    except csv.Error:
        return records, False
    return records, True


def read_cut(data: bytes, size: int) -> tuple[list[list[str]], bool]:
    """Return the same of the records the loader cuts."""
    texts: list[bytes] = []
    try:
        for rows in split_csv(blocks_of(data, size)):
            texts += rows.texts
    except FileMalformed:
        return [parse(text) for text in texts], False
    return [parse(text) for text in texts], True


def parse(record: bytes) -> list[str]:
    (row,) = csv.reader(io.StringIO(record.decode(), newline=""), strict=True)
    return row


@given(csv_text, st.integers(1, 12))
@example('a,5" x,"b\n', 3)
@example('"a"\r\r\n"b\r\nc"\r', 1)
@example('"a""', 2)
@example('a\r"b\n"', 2)
def test_any_text_is_cut_into_the_records_of_the_csv_module(text: str, size: int) -> None:
    assert read_cut(text.encode(), size) == read_whole(text)


@given(tidy_rows, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 9))
def test_batches_hold_the_same_records_as_the_whole_file(
    rows: list[list[str]], line_end: str, max_rows: int
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    data = out.getvalue().encode()
    for size in (1, 7, 1000):
        batches = list(
            cut_rows(split_csv(blocks_of(data, size)), max_rows=max_rows, max_bytes=10_000)
        )
        bodies = b"\n".join(b"\n".join(batch.texts) for batch in batches).decode()
        assert list(csv.reader(io.StringIO(bodies, newline=""), strict=True)) == rows
        assert [len(batch.texts) for batch in batches[:-1]] == [max_rows] * (len(batches) - 1)


@given(csv_text)
def test_every_block_boundary_gives_the_same_rows(text: str) -> None:
    data = text.encode()

    def cut(size: int) -> tuple[list[bytes], list[int], str]:
        texts: list[bytes] = []
        places: list[int] = []
        try:
            for rows in split_csv(blocks_of(data, size)):
                texts += rows.texts
                places += rows.places
        except FileMalformed as error:
            return texts, places, error.message
        return texts, places, ""

    whole = cut(1000)
    for size in range(1, len(data)):
        assert cut(size) == whole


def test_a_record_keeps_every_byte_between_its_line_ends() -> None:
    records = ['  a ;"x ""y"" \r\nz";1.10', "=1+1,é", ' "b']
    data = "\r\n".join(records).encode()
    texts = [text.decode() for rows in split_csv([data], ";") for text in rows.texts]
    assert texts == records


def test_a_place_is_the_line_a_record_begins_at() -> None:
    data = b'h,h\n1,"a\nb\r\nc"\r\n\r\n\n2,x\n3,5" y\n4,"z\n"'
    rows = list(split_csv([data]))
    places = [place for chunk in rows for place in chunk.places]
    assert places == [1, 2, 7, 8, 9]


@pytest.mark.parametrize(
    ("data", "stored", "message"),
    [
        (b'a\nb,"c\nd\ne\n', [b"a"], "line 2: a quote that opens in this record is never closed"),
        (b'a\nb\n"c\nd"e,f\ng\n', [b"a", b"b"], "line 4: text after a closing quote"),
    ],
)
def test_damage_names_its_line_after_the_rows_before_it(
    data: bytes, stored: list[bytes], message: str
) -> None:
    chunks = cut_rows(split_csv(blocks_of(data, 5)), max_rows=1000, max_bytes=1000)
    assert next(chunks).texts == stored
    with pytest.raises(FileMalformed, match=message):
        next(chunks)


def test_an_endless_quoted_field_does_not_fill_the_memory() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b'1,"'
        while True:
            taken += 1
            yield b"x" * 1024 * 1024

    with pytest.raises(FileMalformed, match="line 1: the row that begins here has no end"):
        for _ in split_csv(endless()):
            pass
    assert taken <= 17


def test_a_batch_ends_at_its_bytes_too() -> None:
    chunk = Rows([b"x" * 40] * 5 + [b"y" * 200] + [b"z"], range(1, 8))
    batches = list(cut_rows([chunk], max_rows=1000, max_bytes=100))
    assert [len(batch.texts) for batch in batches] == [2, 2, 1, 1, 1]
    assert [place for batch in batches for place in batch.places] == [1, 2, 3, 4, 5, 6, 7]
