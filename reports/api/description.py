"""What the API says about a report: its definition and its status, as one JSON object."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from project.base.config import ParameterValue
from reports.engine.definition import ColumnNote, Definition
from reports.engine.reading import Status
from reports.engine.tables import TableColumn

NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")


class DescribedColumn(msgspec.Struct, frozen=True):
    """A column as people read it."""

    name: str
    caption: str
    description: str
    type: str
    role: str


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A report in a list."""

    name: str
    title: str
    description: str
    parameters: dict[str, ParameterValue]
    schedule: str | None
    sources: list[str]
    refreshed_at: datetime | None
    rows: int | None
    last_batch: UUID | None
    open_rejections: int
    last_error: str | None


def describe_report(definition: Definition, status: Status | None) -> Description:
    """Return a report's description; `status` is None where it was never refreshed."""
    return Description(
        name=definition.name,
        title=definition.header.title,
        description=definition.header.description,
        parameters=definition.parameters,
        schedule=definition.schedule,
        sources=definition.header.sources,
        refreshed_at=status.refreshed_at if status else None,
        rows=status.rows if status else None,
        last_batch=status.last_batch if status else None,
        open_rejections=status.open_rejections if status else 0,
        last_error=status.last_error if status else None,
    )


def describe_columns(
    definition: Definition, columns: Sequence[TableColumn]
) -> list[DescribedColumn]:
    """Return the columns with what the header says about them and their types."""
    notes = definition.header.columns
    return [
        DescribedColumn(
            column.name,
            notes[column.name].caption,
            notes[column.name].description,
            column.type,
            find_role(notes[column.name], column.type),
        )
        for column in columns
    ]


def find_role(note: ColumnNote, type_: str) -> str:
    """Return what a column is to Tableau: numbers are measures unless the header says otherwise."""
    if note.role is not None:
        return note.role
    return "measure" if type_.startswith(NUMBERS) else "dimension"


def as_fields(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct's fields, to be put beside others."""
    return {name: getattr(value, name) for name in value.__struct_fields__}
