"""Rejected rows as the desk shows them: every value in its column, with the reasons beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from ingest.catalog.definitions import Column, Table
from ingest.models import Rejection
from ingest.reading.description import column_schema
from ingest.rejections.listing import is_truncated, newest_errors, parse_row, raw_text, value_text

# Where a row has more values than this, those that nothing is said about are folded away.
SHOWN_LINES = 12

# How a value is written into a JSON row: as a string, or as what was typed where that is JSON.
Kind = Literal["text", "number", "boolean", "json"]
Note = Literal["", "missing", "null", "empty"]

_kinds: dict[str, Kind] = {"string": "text", "integer": "number", "number": "number"}
# What is said of values that have nothing to show, by their JSON text.
_notes: dict[str, Note] = {"": "missing", "null": "null", '""': "empty"}

Error = dict[str, Any]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class Line:
    """A value of the row, or a column that the row lacks. `json` is its JSON text, "" if missing.

    A `spare` line is of a column that the row could have had; it is for editing.
    """

    column: str
    type: str
    kind: Kind
    required: bool
    json: str
    shown: str
    note: Note
    errors: Sequence[Error]
    spare: bool
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Card:
    """A rejection; `errors` are those that belong to no line, `raw` is the row as it was sent."""

    rejection: Rejection
    lines: Sequence[Line]
    errors: Sequence[Error]
    raw: str
    is_truncated: bool
    may_change: bool
    errors_json: str  # all of them

    @property
    def is_unread(self) -> bool:
        """Whether there is no value to show, only the row's text."""
        return all(line.spare for line in self.lines)

    @property
    def folded(self) -> int:
        """How many lines are folded away."""
        return sum(line.folded for line in self.lines)


def make_card(rejection: Rejection, table: Table | None, *, may_change: bool) -> Card:
    """Return the card of a rejection; its table is None where it is gone."""
    row = parse_row(rejection) or {}
    errors = newest_errors(rejection)
    columns = {column.name: column for column in table.columns} if table else {}
    writable = [column.name for column in table.writable] if table else []
    named = [name for error in errors for name in _concerns(error)]
    names = dict.fromkeys([*row, *writable, *(name for name in named if name in columns)])
    lines = [_make_line(name, columns.get(name), row.get(name), errors) for name in names]
    return Card(
        rejection=rejection,
        lines=_fold(lines),
        errors=[error for error in errors if not names.keys() & set(_concerns(error))],
        raw=raw_text(bytes(rejection.raw)),
        is_truncated=is_truncated(rejection),
        may_change=may_change and rejection.state == Rejection.State.OPEN,
        errors_json=_encode(errors).decode(),
    )


def _make_line(
    name: str, column: Column | None, raw: msgspec.Raw | None, errors: Sequence[Error]
) -> Line:
    json = "" if raw is None else bytes(raw).decode()
    note = _notes.get(json, "")
    shown = "" if note else value_text(json.encode())
    about = [error for error in errors if name in _concerns(error)]
    return Line(
        column=name,
        type=column.type if column else "",
        kind=_kind_of(column),
        required=column is not None and column.required,
        json=json,
        shown=shown,
        note=note,
        errors=about,
        spare=not json and not about,
    )


def _fold(lines: list[Line]) -> list[Line]:
    shown = [line for line in lines if not line.spare]
    if len(shown) <= SHOWN_LINES or not any(line.errors for line in shown):
        return lines
    return [
        replace(line, folded=True) if not line.errors and not line.spare else line for line in lines
    ]


def _kind_of(column: Column | None) -> Kind:
    if column is None:
        return "json"
    schema_type = column_schema(column).get("type")
    name = schema_type[0] if isinstance(schema_type, list) else schema_type
    if name == "boolean":
        return "boolean"
    return _kinds.get(str(name), "json")


def _concerns(error: Error) -> Sequence[str]:
    return error.get("columns") or ([error["column"]] if "column" in error else [])
