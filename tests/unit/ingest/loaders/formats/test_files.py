"""Files become the bodies of batches: encodings, compression, headers, changed values."""

import bz2
import gzip
import json
import lzma
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from ingest.loaders.formats.blocks import SourceFile, decode_blocks
from ingest.loaders.formats.changes import Changes, Dates
from ingest.loaders.formats.columns import ColumnNames, ColumnsInvalid
from ingest.loaders.formats.files import (
    BATCH_BYTES,
    Batch,
    FormatUnknown,
    inspect_file,
    read_batches,
)
from ingest.loaders.formats.layouts import ReadOptions
from ingest.loaders.formats.rows import FileMalformed, Unreadable

PORTAL = "%m/%d/%Y %I:%M:%S %p"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Return a function that writes a file and returns its path."""

    def write_file(name: str, content: bytes | str) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file


def read(path: str, **options: Any) -> list[Batch]:
    return list(read_batches(path, ReadOptions(**options)))


def test_each_csv_batch_begins_with_the_header_as_it_is_in_the_file(write: Any) -> None:
    path = write("a.csv", 'ID, "Full Name"\r\n1,"a\nb"\r\n2,c\r\n3,d\r\n')
    first, second = read(path, batch_rows=2)
    assert first.body == b'ID, "Full Name"\n1,"a\nb"\n2,c'
    assert second.body == b'ID, "Full Name"\n3,d'
    assert [*first.rows.places, *second.rows.places] == [2, 4, 5]
    assert first.layout.content_type == "text/csv"
    assert first.layout.params == {}
    assert first.span == f"{path}, lines 2 to 4"


def test_a_file_without_a_header_says_so(write: Any) -> None:
    (batch,) = read(write("a.csv", "1,x\n2,y\n"), has_header=False)
    assert batch.body == b"1,x\n2,y"
    assert batch.layout.params == {"header": "absent"}
    assert batch.layout.titles == ["column_1", "column_2"]
    assert batch.rows.places == [1, 2]


def test_named_columns_are_the_header_of_a_file_without_one(write: Any) -> None:
    names = ColumnNames(ordered=("id", "name"))
    (batch,) = read(write("a.csv", "1,x\n"), has_header=False, names=names)
    assert batch.body == b"id,name\r\n1,x"
    assert batch.layout.params == {}


def test_named_columns_replace_a_header(write: Any) -> None:
    (batch,) = read(write("a.csv", "a,b\n1,x\n"), names=ColumnNames(ordered=("id", "name")))
    assert batch.body == b"id,name\r\n1,x"
    with pytest.raises(ColumnsInvalid, match="3 columns are named, the file has 2"):
        read(write("a.csv", "a,b\n1,x\n"), names=ColumnNames(ordered=("id", "name", "other")))


def test_a_renamed_field_is_found_by_its_title_and_the_rows_are_untouched(write: Any) -> None:
    path = write("a.csv", 'ID, "Dept" Name ,x\n01,"y",1.10\n')
    names = ColumnNames(renamed={"id": "department_id", '"dept"_name': "department_name"})
    (batch,) = read(path, names=names)
    assert batch.body == b'department_id,department_name,x\r\n01,"y",1.10'
    with pytest.raises(ColumnsInvalid, match=r"a\.csv: the file's header has no single field 'z'"):
        read(path, names=ColumnNames(renamed={"z": "a"}))


def test_a_field_without_a_column_is_left_out_and_a_surplus_one_is_not(write: Any) -> None:
    names = ColumnNames(renamed={"b": ""})
    (batch,) = read(write("a.csv", 'a,b,c\n1,2,3\n4,5\n6,7,"8,",9\n'), names=names)
    assert batch.body == b'a,c\r\n1,3\r\n4,5,\r\n6,"8,",9\r\n'


def test_null_words_go_along_and_the_records_stay(write: Any) -> None:
    changes = Changes(nulls=("NA", r"\N"))
    (batch,) = read(write("a.csv", 'a,b\nNA,"NA"\n\\N,""\n'), changes=changes)
    assert batch.body == b'a,b\nNA,"NA"\n\\N,""'
    assert batch.layout.params == {"null": ["NA", r"\N"]}


def test_a_rewritten_record_keeps_what_quotes_tell(write: Any) -> None:
    changes = Changes(nulls=("NA",), dates=Dates("%d.%m.%Y", {"a": "date"}))
    path = write("a.csv", 'a;b;c;d\n24.12.2021;"NA";;""\nNA;"a ""b""";5" x;"1;2"\n"";1,5;\x7f;x\n')
    (batch,) = read(path, delimiter=";", changes=changes)
    assert batch.body.decode().splitlines() == [
        "a,b,c,d",
        '2021-12-24,"NA",,""',
        'NA,"a ""b""",5" x,"1;2"',
        '"","1,5",\x7f,x',
    ]
    assert batch.layout.params == {"null": ["NA"]}


def test_nothing_in_the_only_field_that_is_sent_is_no_blank_line(write: Any) -> None:
    names = ColumnNames(renamed={"b": ""})
    (batch,) = read(write("a.csv", 'a,b\n,1\n"",2\n\\N,3\nx,4\n'), names=names)
    assert batch.body == b'a\r\n\\N\r\n""\r\n"\\N"\r\nx\r\n'
    assert batch.layout.params == {"null": [r"\N"]}


def test_other_delimiters_are_sent_as_commas(write: Any) -> None:
    (batch,) = read(write("a.csv", 'a;b\n1,5;"x;\ny"\n'), delimiter=";")
    assert batch.body == b'a,b\r\n"1,5","x;\ny"\r\n'
    (batch,) = read(write("a.tsv", "a\tb\n1\t2\n"))
    assert batch.body == b"a,b\r\n1,2\r\n"


def test_a_carriage_return_in_a_rewritten_value_stays_in_its_field(write: Any) -> None:
    (batch,) = read(write("a.csv", 'a;b\n"x\ry";2\n'), delimiter=";")
    assert batch.body == b'a,b\r\n"x\ry",2\r\n'


def test_dates_are_converted_in_date_columns_only(write: Any) -> None:
    dates = Dates(PORTAL, {"hired_on": "date", "created_at": "timestamp", "note": None})
    (batch,) = read(
        write(
            "a.csv",
            "Hired On,created_at,note\n"
            "06/26/2018 12:00:00 AM,06/26/2018 10:58:54 PM,06/26/2018 10:58:54 AM\n"
            "06/26/2018 01:00:00 AM,02/30/2018 10:58:54 AM,\n",
        ),
        changes=Changes(dates=dates),
    )
    assert batch.body.decode().splitlines()[1:] == [
        "2018-06-26,2018-06-26T22:58:54,06/26/2018 10:58:54 AM",
        "06/26/2018 01:00:00 AM,02/30/2018 10:58:54 AM,",
    ]


def test_dates_of_a_file_without_a_header_are_found_in_table_order(write: Any) -> None:
    dates = Dates("%d.%m.%Y", {"id": None, "hired_on": "date"})
    (batch,) = read(
        write("a.csv", "1,24.12.2021\n"), has_header=False, changes=Changes(dates=dates)
    )
    assert batch.body == b"1,2021-12-24\r\n"
    assert batch.layout.params == {"header": "absent"}


@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_json_values_change_where_asked_and_keep_their_text_elsewhere(
    write: Any, name: str
) -> None:
    row = b'{"id" : 1.10, "n":"NA", "d":"24.12.2021","x":1, "e":"24.12.2021", "o":{"n":"NA"}}'
    repeated = b'{"id":1,"id":2,"n":"NA"}'
    data = b"[%b,%b,7]" % (row, repeated) if name == "a.json" else b"%b\n%b\n7\n" % (row, repeated)
    (batch,) = read(
        write(name, data),
        names=ColumnNames(renamed={"id": "number", "x": ""}),
        changes=Changes(nulls=("NA",), dates=Dates("%d.%m.%Y", {"d": "date", "e": None})),
    )
    changed = b'{"number":1.10,"n":null,"d":"2021-12-24","e":"24.12.2021","o":{"n":"NA"}}'
    separator = b",\n" if name == "a.json" else b"\n"
    assert batch.body.strip(b"[]\n") == separator.join([changed, repeated, b"7"])


def test_json_rows_are_sent_byte_for_byte(write: Any) -> None:
    rows = [b'{"a": 1.10}', b'{"b":12345678901234567890}', b'{"c":"\\u00e9"}']
    first, second = read(write("a.json", b'{"rows": [' + b" ,\n".join(rows) + b"]}"), batch_rows=2)
    assert first.body == b'[{"a": 1.10},\n{"b":12345678901234567890}]'
    assert second.body == b'[{"c":"\\u00e9"}]'
    assert (first.layout.place, list(second.rows.places)) == ("index", [2])
    assert second.layout.content_type == "application/json"


def test_ndjson_lines_are_sent_byte_for_byte(write: Any) -> None:
    (batch,) = read(write("a.jsonl", b'{"a": 1.10}\n\n{"a":2}'))
    assert batch.body == b'{"a": 1.10}\n{"a":2}\n'
    assert batch.rows.places == [1, 3]
    assert batch.layout.content_type == "application/x-ndjson"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", "\ufeffa,b\né,€\n"),
        ("utf-8-sig", "a,b\né,€\n"),
        ("utf-16", "a,b\né,€\n"),
        ("utf-16-le", "\ufeffa,b\né,€\n"),
        ("cp1252", "a,b\né,€\n"),
    ],
)
def test_any_encoding_is_sent_as_utf8_without_a_mark(write: Any, encoding: str, text: str) -> None:
    data = text.encode("utf-8" if encoding == "utf-8-sig" else encoding)
    (batch,) = read(write("a.csv", data), encoding=encoding)
    assert batch.body == "a,b\né,€".encode()


def test_a_mark_amid_the_text_is_text() -> None:
    assert b"".join(decode_blocks(iter([b"ab", "\ufeffc".encode()]), "utf-8-sig")) == (
        "ab\ufeffc".encode()
    )


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_characters_across_blocks_are_decoded(size: int) -> None:
    data = "a\u00e9\u20ac\U0001f600b".encode()
    blocks = (data[start : start + size] for start in range(0, len(data), size))
    assert b"".join(decode_blocks(blocks, "utf-8")) == data


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"])
def test_undecodable_bytes_are_named_by_their_line(write: Any, bad: bytes) -> None:
    batches = read_batches(write("a.csv", b"a\n1\n2\n\xc3\xa9" + bad + b"\n4\n"), ReadOptions())
    assert next(batches).rows.texts == [b"1", b"2"]
    with pytest.raises(FileMalformed, match=r"a\.csv: line 4: not utf-8"):
        next(batches)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_missing_byte_order_mark_is_told(write: Any, encoding: str) -> None:
    batches = read_batches(write("a.csv", b"a\n12\n34"), ReadOptions(encoding=encoding))
    with pytest.raises(FileMalformed, match=rf"a\.csv: line 1: not {encoding}"):
        next(batches)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv"])
def test_gzip_is_recognised_by_its_first_bytes(write: Any, name: str) -> None:
    data = b"a\n" + b"".join(b"%d\n" % number for number in range(100_000))
    packed = gzip.compress(data[:1000]) + gzip.compress(data[1000:])
    batches = read(write(name, packed))
    assert b"\n".join(text for batch in batches for text in batch.rows.texts) == data[2:-1]
    assert sum(batch.steps for batch in batches) == len(packed)


@pytest.mark.parametrize(
    ("suffix", "compress"), [("zst", zstd.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_other_compressions_are_undone(write: Any, suffix: str, compress: Any) -> None:
    packed = compress(b"a\n1\n2\n")
    (batch,) = read(write(f"a.csv.{suffix}", packed))
    assert batch.body == b"a\n1\n2"
    with pytest.raises(FileMalformed, match="data is damaged"):
        read(write(f"b.csv.{suffix}", packed[:-6]))


def test_damaged_gzip_keeps_the_rows_before_the_damage(write: Any) -> None:
    packed = gzip.compress(b"a\n" + os.urandom(400_000).hex().encode() + b"\n5\n6")
    batches = read_batches(write("a.csv.gz", packed[:-20]), ReadOptions())
    with pytest.raises(FileMalformed, match=r"a\.csv\.gz: line 2: the gzip data is damaged"):
        list(batches)


def test_gzip_bytes_that_are_cut_are_unreadable(write: Any) -> None:
    path = write("a.gz", gzip.compress(b"abc")[:-4])
    with SourceFile(path) as source, pytest.raises(Unreadable):
        list(source.read_blocks("utf-8"))


@pytest.mark.parametrize("content", ["", "\n\r\n", "a,b\n"])
def test_a_csv_file_without_rows_gives_no_batch(write: Any, content: str) -> None:
    assert read(write("a.csv", content)) == []


def test_an_empty_array_gives_no_batch(write: Any) -> None:
    assert read(write("a.json", "[ ]")) == []


def test_an_unknown_extension_needs_a_format(write: Any) -> None:
    path = write("a.dat", "a\n1\n")
    with pytest.raises(FormatUnknown, match="--format"):
        inspect_file(path, ReadOptions())
    assert inspect_file(path, ReadOptions(format="csv")).titles == ["a"]
    assert inspect_file(write("A.CSV.GZ", "a\n1\n"), ReadOptions()).format == "csv"


def test_large_rows_make_small_batches(write: Any) -> None:
    row = json.dumps({"a": "x" * (BATCH_BYTES // 3)}).encode()
    batches = read(write("a.ndjson", b"\n".join([row] * 5)))
    assert [len(batch.rows.texts) for batch in batches] == [2, 2, 1]


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(b"a\n1\n2\n"))
    writer.start()
    (batch,) = read(str(path))
    writer.join()
    assert batch.body == b"a\n1\n2"
