"""What the inspection says of files: dialect, parts, types, and what it does not know."""

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from ingest.files.formats import inspect_bytes, inspect_file
from ingest.files.report import describe
from ingest.files.sample import FileDamaged


def types(text: str) -> list[str]:
    return [column.type for column in inspect_bytes(text.encode()).columns]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,x\n2,y\n", (",", None, None)),
        ("a;b\n1,5;x\n2,5;y\n", (";", None, None)),
        ("a\tb\n1\tx y\n2\ty z\n", ("\t", None, None)),
        ("a|b\n1|'x|y'\n2|'it''s'\n", ("|", "'", "'")),
        ('a,b\n1,"x \\"y\\", z"\n2,"y"\n', (",", '"', "\\")),
        ('a,b\n1,"x ""y"""\n2,"y"\n', (",", '"', '"')),
        ('a, b, c\n1, "x, y", 2\n3, "z", 4\n', (", ", '"', None)),
        ("name\nAnn\nBob\n", (None, None, None)),
        ("full name\nAnn Lee\nBob Ray\n", (None, None, None)),
        ("'name'\n'Ann'\n'O''Neil'\n", (None, "'", "'")),
        ('a,b\n1,5\\" pipe\n2,"x, y"\n', (",", '"', "\\")),
        ("", (None, None, None)),
    ],
)
def test_the_dialect_is_told(text: str, expected: tuple[Any, ...]) -> None:
    found = inspect_bytes(text.encode())
    assert (found.delimiter, found.quote, found.escape) == expected


@pytest.mark.parametrize(
    ("text", "lines", "names"),
    [
        ("id,name\n1,a\n2,b\n", (0, 1, 0), ["id", "name"]),
        ("1,a\n2,b\n", (0, 0, 0), ["column_1", "column_2"]),
        ("Report,,,\n,,,\nid,a,b,c\n1,2,3,4\n2,3,4,5\n,,,\n", (2, 1, 1), ["id", "a", "b", "c"]),
        ("id,Staff,,Costs\n,AO,EO,Pay\n1,2,3,4\n2,3,4,5\n3,4,5,6\n", (0, 2, 0), None),
        ("id,,id,b\n1,2,3,4\n2,3,4,5\n", (0, 1, 0), ["id", "column_2", "id_3", "b"]),
        ("a,b,c\n1,2,3\n2,3,4\nSource: x\n", (0, 1, 1), ["a", "b", "c"]),
    ],
)
def test_the_parts_of_a_file_are_told(
    text: str, lines: tuple[int, int, int], names: list[str] | None
) -> None:
    found = inspect_bytes(text.encode())
    assert (found.preamble_lines, found.header_lines, found.footer_lines) == lines
    wanted = names or ["id", "Staff AO", "Staff EO", "Costs Pay"]
    assert [column.name for column in found.columns] == wanted


@pytest.mark.parametrize(
    ("values", "expected", "pattern"),
    [
        (["1", "-2"], "integer", None),
        (["1", "4294967296"], "bigint", None),
        (["99999999999999999999"], "numeric", None),
        (["007", "010"], "text", None),
        (["1.50", "2"], "numeric", None),
        (["1e5", "2.5"], "double precision", None),
        (["true", "FALSE"], "boolean", None),
        (["2021-01-02", "2020-02-29"], "date", None),
        (["2021-02-30"], "text", None),
        (["2021-01-02T03:04:05Z"], "timestamp with time zone", None),
        (["2021-01-02 03:04"], "timestamp", None),
        (["02/03/2021", "25/12/2021"], "date", "%d/%m/%Y"),
        (["02/03/2021", "12/25/2021"], "date", "%m/%d/%Y"),
        (["06/26/2018 10:58:54 AM"], "timestamp", "%m/%d/%Y %I:%M:%S %p"),
        (["1.234,56", "7,5"], "numeric", None),
        (["00:15", "23:59:59"], "time", None),
        (["6865731e-5e4b-4819-9f12-000000000000"], "uuid", None),
        (['{"a": 1}', "[]"], "jsonb", None),
        (["1", "NA"], "integer", None),
        (["$1.50", "$2"], "text", None),
        (["a", "NA"], "text", None),
    ],
)
def test_the_type_of_a_column_fits_all_its_values(
    values: list[str], expected: str, pattern: str | None
) -> None:
    text = "name;value\n" + "".join(f"x{n};{value}\n" for n, value in enumerate(values))
    column = inspect_bytes(text.encode()).columns[1]
    assert (column.type, column.format) == (expected, pattern)


def test_what_a_file_does_not_tell_is_asked() -> None:
    text = "id;day;amount;old\n1;01/02/2021;1,234;01-Feb-21\n2;03/04/2021;2,345;02-Mar-21\n"
    found = inspect_bytes(text.encode())
    assert [(question.about, list(question.alternatives)) for question in found.questions] == [
        ("day", ["%d/%m/%Y", "%m/%d/%Y"]),
        ("amount", ["decimal comma", "thousands comma"]),
        ("old", ["%d-%b-%y"]),
    ]
    assert "uncertain    day: which part is the day" in describe(found)


def test_another_number_of_the_file_tells_what_a_comma_is() -> None:
    found = inspect_bytes(b"id;a;b\n1;1,234;0.5\n2;2,345;1.5\n")
    assert (found.decimal, found.thousands, found.questions) == (".", ",", [])


def test_lines_that_cannot_be_read_are_named() -> None:
    found = inspect_bytes(b'id,a,b\n1,"x",y\n2,"x"z,y\n3,"x, y"\n4,"p","q"\nid,a,b\n1,2,3\n')
    assert [(problem.line, problem.code) for problem in found.problems] == [
        (3, "unreadable"),
        (4, "column_count"),
        (6, "other_table"),
    ]


def test_the_rows_of_json_are_found() -> None:
    found = inspect_bytes(
        b'{"meta": [], "data": {"items": [{"a": 1.50, "b": {"c": 1}}, {"a": 2}]}}'
    )
    assert (found.format, found.records) == ("json", "data.items")
    assert [(column.name, column.type, column.nullable) for column in found.columns] == [
        ("a", "numeric", False),
        ("b", "jsonb", True),
    ]
    lines = inspect_bytes(b'{"a": "2021-01-02"}\n{"a": null}\nnope\n')
    assert (lines.format, lines.columns[0].type, lines.problems[0].line) == ("ndjson", "date", 3)


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("gzip", gzip.compress),
        ("zstd", zstd.compress),
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
    ],
)
def test_compressed_files_are_looked_into(name: str, compress: Any) -> None:
    data = compress(b"a;b\n1;x\n2;y\n")
    found = inspect_bytes(data)
    assert (found.compression, found.delimiter, found.rows_estimate) == (name, ";", 2)
    with pytest.raises(FileDamaged):
        inspect_bytes(data[:-6])


def test_the_encoding_is_told_or_asked() -> None:
    assert inspect_bytes("a,b\n1,é\n".encode("utf-8-sig")).encoding == "utf-8-sig"
    assert inspect_bytes("a,b\n1,é\n2,x\n".encode("utf-16")).columns[1].examples == ["é", "x"]
    guessed = inspect_bytes("name,town\nJosé,Málaga\nZoë,Köln\n".encode("cp1252"))
    assert guessed.questions[0].about == "encoding"


def test_of_a_large_file_the_beginning_the_middle_and_the_end_are_read(tmp_path: Path) -> None:
    rows = [f"{n},text {n}\n" for n in range(100_000)]
    path = tmp_path / "large.csv"
    path.write_text("id,name\n" + "".join(rows[:-1]) + "99999.5,last\n")
    found = inspect_file(str(path))
    assert found.columns[0].type == "numeric"  # the last row alone says so
    assert not found.is_whole
    assert found.rows_estimate is not None
    assert 80_000 < found.rows_estimate < 120_000
