"""The Avro schema of a table's file, made and parsed."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backups.avro.types import TypeAdapter, choose_adapter, find_adapter
from backups.errors import FileRefused

if TYPE_CHECKING:
    from ingest.catalog.definitions import Table

_AVRO_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True)
class Field:
    """One column in a file: its Avro name, its own name and type, how its values are stored."""

    avro_name: str
    column: str
    type: str  # as PostgreSQL writes it: numeric(10,2)
    base: str  # the type below domains, as pg_type names it
    adapter: TypeAdapter
    comment: str | None = None


@dataclass(frozen=True)
class FileSchema:
    """What a table's file holds."""

    schema: str
    table: str
    fields: tuple[Field, ...]

    def document(self) -> dict[str, Any]:
        """Return the Avro schema; names that Avro forbids are kept in its `pg_` properties."""
        return {
            "type": "record",
            "name": avro_name(self.table),
            "namespace": avro_name(self.schema),
            "pg_schema": self.schema,
            "pg_table": self.table,
            "fields": [_field_document(field) for field in self.fields],
        }


def make_schema(table: "Table", *, as_text: Collection[str] = ()) -> FileSchema:
    """Return the schema of a table's file; columns in `as_text` are stored as text.

    Virtual columns are left out: they are computed when they are read, which may fail.
    """
    columns = [column for column in table.columns if not column.virtual]
    names = avro_names([column.name for column in columns])
    return FileSchema(
        table.schema,
        table.name,
        tuple(
            Field(
                name,
                column.name,
                column.type,
                column.base,
                choose_adapter(column, as_text=column.name in as_text),
                column.comment,
            )
            for name, column in zip(names, columns, strict=True)
        ),
    )


def parse_schema(document: Any) -> FileSchema:
    """Return what a schema written by `FileSchema.document` says; raise `FileRefused` else."""
    try:
        schema = FileSchema(
            document["pg_schema"],
            document["pg_table"],
            tuple(_parse_field(field) for field in document["fields"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileRefused(f"The file's schema is not one of a backup: {error}") from error
    if schema.document() != _with_defaults(document):
        raise FileRefused("The file's schema is not one of a backup")
    return schema


def avro_name(name: str) -> str:
    """Return the name as Avro allows it (Avro 1.12, Names)."""
    if _AVRO_NAME.fullmatch(name):
        return name
    changed = _FORBIDDEN.sub("_", name)
    return changed if _AVRO_NAME.fullmatch(changed) else f"_{changed}"


def avro_names(names: Sequence[str]) -> list[str]:
    """Return different Avro names, in order; a name that Avro allows stays as it is."""
    taken = {name for name in names if _AVRO_NAME.fullmatch(name)}
    chosen = []
    for name in names:
        candidate = base = avro_name(name)
        number = 2
        while candidate != name and candidate in taken:
            candidate = f"{base}_{number}"
            number += 1
        taken.add(candidate)
        chosen.append(candidate)
    return chosen


def _with_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose fields have the defaults that earlier versions did not write."""
    return document | {"fields": [{"default": None} | field for field in document["fields"]]}


def _field_document(field: Field) -> dict[str, Any]:
    document = {
        "name": field.avro_name,
        "type": ["null", field.adapter.avro_type],
        # By which a later schema with this field reads files that lack it.
        "default": None,
        "pg_name": field.column,
        "pg_type": field.type,
        "pg_base": field.base,
    }
    return document | ({"doc": field.comment} if field.comment else {})


def _parse_field(document: Any) -> Field:
    null, avro_type = document["type"]
    if null != "null":
        raise ValueError("a column's type must be a union with null")
    return Field(
        document["name"],
        document["pg_name"],
        document["pg_type"],
        document["pg_base"],
        find_adapter(avro_type, document["pg_base"]),
        document.get("doc"),
    )
