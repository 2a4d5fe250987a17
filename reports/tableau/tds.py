"""Tableau data sources (.tds): the connection, tables, columns and captions that Tableau uses.

One report is one table. All reports together are tables of one schema that are related to
report_status by the report's name, so that every sheet can say how fresh its numbers are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reports.engine.contents import DescribedColumn
from reports.engine.tables import SCHEMA

VERSION = "18.1"  # of the file format, from Tableau 2018.1 on
CONNECTION = "postgres.rowhouse"
USER_NAMESPACE = "http://www.tableausoftware.com/xml/user"

# Prefixes of format_type's names, the longer ones first; all others are read as text.
_TYPES = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "real",
    "real": "real",
    "double precision": "real",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "datetime",
}

Names = dict[tuple[str, str], str]  # of columns in the data source, by table and column


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where the reports are and whom Tableau connects as; it asks for the password itself."""

    host: str
    port: str
    database: str
    user: str


@dataclass(frozen=True, kw_only=True)
class TableauTable:
    """A table of the schema `reports`, as the data source shows it."""

    name: str
    caption: str
    columns: Sequence[DescribedColumn]

    @property
    def object_id(self) -> str:
        """The table's id in the data source's model."""
        return f"rowhouse_{self.name}"


def make_data_source(server: Server, table: TableauTable) -> bytes:
    """Return the .tds of one report."""
    source, connection = _start(server, f"rowhouse.{table.name}", table.caption)
    _add_relation(connection, table)
    _add_metadata(SubElement(connection, "metadata-records"), table, _name_apart([table]))
    SubElement(source, "aliases", enabled="yes")
    for column in table.columns:
        _add_column(source, column, column.name)
    return _write(source)


def make_schema_source(server: Server, tables: Sequence[TableauTable], hub: TableauTable) -> bytes:
    """Return the .tds of all reports; `hub` is report_status, which has a row for each report."""
    source, connection = _start(server, "rowhouse.reports", "Rowhouse reports")
    collection = SubElement(connection, "relation", type="collection")
    everything = [hub, *tables]
    names = _name_apart(everything)
    for table in everything:
        _add_relation(collection, table)
    columns = SubElement(connection, "cols")
    for table in everything:
        for column in table.columns:
            key = f"[{names[table.name, column.name]}]"
            SubElement(columns, "map", key=key, value=f"[{table.name}].[{column.name}]")
    metadata = SubElement(connection, "metadata-records")
    for table in everything:
        _add_metadata(metadata, table, names)
    SubElement(source, "aliases", enabled="yes")
    for table in everything:
        for column in table.columns:
            _add_column(source, column, names[table.name, column.name], of=table.caption)
    _add_model(source, tables, hub, names)
    return _write(source)


def tableau_type(type_: str) -> str:
    """Return Tableau's name of a PostgreSQL type."""
    return next((name for prefix, name in _TYPES.items() if type_.startswith(prefix)), "string")


def _start(server: Server, name: str, caption: str) -> tuple[Element, Element]:
    source = Element(
        "datasource",
        {
            "caption": caption,
            "formatted-name": name,
            "inline": "true",
            "version": VERSION,
            "xmlns:user": USER_NAMESPACE,
        },
    )
    connection = SubElement(source, "connection", {"class": "federated"})
    named = SubElement(connection, "named-connections")
    target = SubElement(named, "named-connection", caption=server.host, name=CONNECTION)
    SubElement(
        target,
        "connection",
        {
            "class": "postgres",
            "authentication": "username-password",
            "server": server.host,
            "port": server.port,
            "dbname": server.database,
            "username": server.user,
            "schema": SCHEMA,
            "odbc-native-protocol": "yes",
        },
    )
    return source, connection


def _add_relation(parent: Element, table: TableauTable) -> None:
    place = f"[{SCHEMA}].[{table.name}]"
    SubElement(
        parent, "relation", connection=CONNECTION, name=table.name, table=place, type="table"
    )


def _add_metadata(metadata: Element, table: TableauTable, names: Names) -> None:
    for number, column in enumerate(table.columns):
        record = SubElement(metadata, "metadata-record", {"class": "column"})
        texts = {
            "remote-name": column.name,
            "local-name": f"[{names[table.name, column.name]}]",
            "parent-name": f"[{table.name}]",
            "remote-alias": column.name,
            "ordinal": str(number),
            "local-type": tableau_type(column.type),
            "aggregation": "Sum" if column.role == "measure" else "Count",
            "contains-null": "true",
            "object-id": f"[{table.object_id}]",
        }
        for tag, text in texts.items():
            SubElement(record, tag).text = text


def _add_column(source: Element, column: DescribedColumn, name: str, of: str = "") -> None:
    kind = "quantitative" if column.role == "measure" else "nominal"
    if column.role != "measure" and tableau_type(column.type) in {"integer", "date", "datetime"}:
        kind = "ordinal"
    element = SubElement(
        source,
        "column",
        caption=f"{column.caption} ({of})" if of else column.caption,
        datatype=tableau_type(column.type),
        name=f"[{name}]",
        role=column.role,
        type=kind,
    )
    if column.description:
        text = SubElement(SubElement(element, "desc"), "formatted-text")
        SubElement(text, "run").text = column.description


def _add_model(
    source: Element, tables: Sequence[TableauTable], hub: TableauTable, names: Names
) -> None:
    graph = SubElement(source, "object-graph")
    objects = SubElement(graph, "objects")
    for table in [hub, *tables]:
        one = SubElement(objects, "object", caption=table.caption, id=table.object_id)
        _add_relation(SubElement(one, "properties", context=""), table)
    relationships = SubElement(graph, "relationships")
    for table in tables:
        relationship = SubElement(relationships, "relationship")
        equal = SubElement(relationship, "expression", op="=")
        SubElement(equal, "expression", op=f"[{names[hub.name, 'report']}]")
        SubElement(equal, "expression", op=f'"{table.name}"')
        SubElement(relationship, "first-end-point", {"object-id": hub.object_id})
        SubElement(relationship, "second-end-point", {"object-id": table.object_id})


def _name_apart(tables: Sequence[TableauTable]) -> Names:
    """Return each column's name in the data source: repeated names get their table's appended."""
    names: Names = {}
    for table in tables:
        for column in table.columns:
            is_taken = column.name in names.values()
            apart = f"{column.name} ({table.name})" if is_taken else column.name
            names[table.name, column.name] = apart
    return names


def _write(source: Element) -> bytes:
    indent(source)
    content: bytes = tostring(source, encoding="utf-8", xml_declaration=True)
    return content + b"\n"
