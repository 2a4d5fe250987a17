"""Columns made of the fields of somebody else's file."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from ingest.loaders.formats.columns import ColumnsInvalid
from ingest.loaders.formats.csv_rows import LONE_NULL, parse_records
from ingest.loaders.formats.mapping import MappingInvalid, RowMapping, read_mapping


def mapping_of(tmp_path: Path, **columns: dict[str, Any]) -> RowMapping:
    path = tmp_path / "mapping.yml"
    path.write_text(json.dumps({"columns": columns}))  # JSON is YAML
    return read_mapping(path)


@pytest.mark.parametrize(
    ("source", "text", "sent"),
    [
        ({"times": "60"}, "12", "720"),
        ({"times": "1609.344"}, "0.35", "563.27040"),
        ({"times": "1609.344"}, "far", "far"),
        ({"times": "1609.344"}, "NaN", "NaN"),
        ({"times": "2"}, "1e999", "1e999"),
        ({"epoch": "milliseconds"}, "1563178809000", "2019-07-15T08:20:09+00:00"),
        ({"epoch": "milliseconds"}, "1563178970253.5522", "2019-07-15T08:22:50.253552+00:00"),
        ({"epoch": "seconds"}, "1563178809", "2019-07-15T08:20:09+00:00"),
        ({"epoch": "seconds"}, "99999999999999", "99999999999999"),
        ({"epoch": "seconds"}, "yesterday", "yesterday"),
        ({"date_format": "%Y%m%d", "kind": "date"}, "20210307", "2021-03-07"),
        ({"date_format": "%Y%m%d %H", "kind": "date"}, "20210307 00", "2021-03-07"),
        ({"date_format": "%Y%m%d %H", "kind": "date"}, "20210307 09", "20210307 09"),
        ({"date_format": "%Y%m%d"}, "20210307", "2021-03-07T00:00:00"),
        ({"values": {"on_trip": "trip"}}, "on_trip", "trip"),
        ({"values": {"on_trip": "trip"}}, "other", "other"),
        ({"values": {"NA": None}}, "NA", "\\N"),
    ],
)
def test_converts_a_value(tmp_path: Path, source: dict[str, Any], text: str, sent: str) -> None:
    mapping = mapping_of(tmp_path, column={"field": "a", **source})
    body = mapping.csv_encoder(["a"], ",")([text.encode()])
    assert list(parse_records([body])) == [["column"], [sent]]
    as_json = json.loads(mapping.convert_json(json.dumps({"a": text}).encode()))
    assert as_json == {"column": None if sent == LONE_NULL else sent}


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("12/08/2018 03:45:00 PM", "2018-12-08T15:45:00-06:00"),
        ("07/08/2018 03:45:00 PM", "2018-07-08T15:45:00-05:00"),
        ("11/04/2018 01:30:00 AM", "2018-11-04T01:30:00"),  # twice
        ("03/11/2018 02:30:00 AM", "2018-03-11T02:30:00"),  # never
        ("2018-12-08", "2018-12-08"),
        ("", LONE_NULL),
    ],
)
def test_a_local_time_gets_its_offset_where_there_is_one(
    tmp_path: Path, text: str, sent: str
) -> None:
    mapping = mapping_of(
        tmp_path,
        t={"field": "a", "date_format": "%m/%d/%Y %I:%M:%S %p", "time_zone": "America/Chicago"},
    )
    assert mapping.csv_encoder(["a"], ",")([text.encode()]).decode().split("\r\n")[1] == sent


def test_joins_fields_adds_constants_and_leaves_others_out(tmp_path: Path) -> None:
    mapping = mapping_of(
        tmp_path, t={"fields": ["day", "hour"]}, kind={"value": "scooter"}, n={"field": "n"}
    )
    encode = mapping.csv_encoder(["Day", "Hour", "Other", "N"], ";")
    assert encode([b"1;2;x;3", b"1;;x;", b"4", b"1;2;x;3;beyond"]) == (
        b"t,kind,n\r\n1 2,scooter,3\r\n,scooter,\r\n,scooter,,\r\n1 2,scooter,3,beyond\r\n"
    )


def test_empty_fields_become_null_where_the_mapping_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yml"
    path.write_text('{"empty": "null", "columns": {"n": {"field": "A"}, "m": {"field": "b"}}}')
    mapping = read_mapping(path)
    assert mapping.empty_is_null
    encode = mapping.json_encoder(["a", "b", "c"], ",")
    assert json.loads(encode([b"1,,x", b"", b",2,x,5"])) == [
        {"n": "1", "m": None},
        {"n": None, "m": None, "field 4": None},  # too short to be a row
        {"n": None, "m": "2", "field 4": "5"},
    ]


def test_json_values_keep_their_text(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, n={"field": "a"}, place={"field": "b"}, none={"field": "c"})
    row = b'{"a": 1.10, "b": {"x": [1]}, "d": 5}'
    assert mapping.convert_json(row) == b'{"n":1.10,"place":{"x": [1]},"none":null}'


def test_dots_lead_into_nested_json(tmp_path: Path) -> None:
    mapping = mapping_of(
        tmp_path,
        day={"field": "made.on", "date_format": "%Y%m%d", "kind": "date"},
        site={"field": "sites.main.url"},
        dotted={"field": "a.b"},
        missing={"field": "sites.other.url"},
        plain={"field": "made.on.at"},
    )
    row = b'{"made": {"on": 20210307}, "sites": {"main": {"url": "x"}}, "a.b": 1, "a": {"b": 2}}'
    assert mapping.convert_json(row) == (
        b'{"day":"2021-03-07","site":"x","dotted":1,"missing":null,"plain":null}'
    )


@pytest.mark.parametrize("row", [b"5", b'"a"', b"[1]", b'{"a": 1, "a": 2}'])
def test_what_is_no_plain_object_is_sent_as_it_is(tmp_path: Path, row: bytes) -> None:
    assert mapping_of(tmp_path, n={"field": "a"}).convert_json(row) == row


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(ColumnsInvalid, match="'a'"):
        mapping_of(tmp_path, n={"field": "a"}).csv_encoder(["b"], ",")


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"field": "a", "value": "b"},
        {"field": "a", "time_zone": "Mars"},
        {"field": "a", "date_format": "%H:%M"},
        {"field": "a", "kind": "date"},
        {"field": "a", "kind": "date", "date_format": "%Y%m%d", "time_zone": "UTC"},
        {"field": "a", "times": "two"},
        {"field": "a", "epoch": "days"},
        {"feild": "a"},
    ],
)
def test_refuses_a_source_that_makes_no_sense(tmp_path: Path, source: dict[str, Any]) -> None:
    with pytest.raises(MappingInvalid, match="n"):
        mapping_of(tmp_path, n=source)


def test_every_mapping_of_the_project_can_be_read() -> None:
    paths = list((settings.BASE_DIR / "db_setup").glob("*/mappings/*.yml"))
    assert len(paths) >= 5
    assert all(read_mapping(path).columns for path in paths)
