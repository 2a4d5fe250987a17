"""reports.tableau.tds: .tds files."""

from xml.etree.ElementTree import Element, fromstring

import pytest

from reports.engine.contents import DescribedColumn
from reports.tableau.tds import (
    Server,
    TableauTable,
    make_data_source,
    make_schema_source,
    tableau_type,
)

SERVER = Server(host="db.example", port="5433", database="rowhouse", user="report_reader")


def table(name: str, *columns: tuple[str, str, str]) -> TableauTable:
    described = [
        DescribedColumn(column, column.title(), f"About {column} & more", type_, role)
        for column, type_, role in columns
    ]
    return TableauTable(name=name, caption=name.title(), columns=described)


HUB = table("report_status", ("report", "text", "dimension"), ("rows", "bigint", "measure"))
COUNTS = table("counts", ("rows", "integer", "measure"), ("day", "date", "dimension"))


def texts(source: Element, path: str) -> list[str | None]:
    return [element.text for element in source.findall(path)]


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("smallint", "integer"),
        ("bigint", "integer"),
        ("numeric(10,2)", "real"),
        ("double precision", "real"),
        ("boolean", "boolean"),
        ("date", "date"),
        ("timestamp with time zone", "datetime"),
        ("character varying(255)", "string"),
        ("uuid", "string"),
        ("interval", "string"),
    ],
)
def test_every_type_has_tableau_s_name(type_: str, name: str) -> None:
    assert tableau_type(type_) == name


def test_one_report_is_one_table() -> None:
    source = fromstring(make_data_source(SERVER, COUNTS))
    assert source.tag == "datasource"
    assert [one.get("table") for one in source.findall("connection/relation")] == [
        "[reports].[counts]"
    ]
    assert texts(source, "connection/metadata-records/metadata-record/local-type") == [
        "integer",
        "date",
    ]
    columns = source.findall("column")
    assert [column.get("type") for column in columns] == ["quantitative", "ordinal"]
    assert texts(source, "column/desc/formatted-text/run") == [
        "About rows & more",
        "About day & more",
    ]


def test_all_reports_are_related_to_their_status() -> None:
    other = table("others", ("rows", "integer", "measure"))
    source = fromstring(make_schema_source(SERVER, [COUNTS, other], HUB))
    names = [column.get("name") for column in source.findall("column")]
    assert names == ["[report]", "[rows]", "[rows (counts)]", "[day]", "[rows (others)]"]
    assert {one.get("key"): one.get("value") for one in source.findall("connection/cols/map")}[
        "[rows (others)]"
    ] == "[others].[rows]"
    objects = [one.get("id") for one in source.findall("object-graph/objects/object")]
    assert objects == ["rowhouse_report_status", "rowhouse_counts", "rowhouse_others"]
    relationships = source.findall("object-graph/relationships/relationship")
    sides = [
        [side.get("op") for side in one.findall("expression/expression")] for one in relationships
    ]
    assert sides == [["[report]", '"counts"'], ["[report]", '"others"']]
