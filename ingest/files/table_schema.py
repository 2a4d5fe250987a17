"""The CREATE TABLE that a file's columns call for."""

import re
from collections.abc import Sequence

from ingest.files.inspection import InspectedColumn, Inspection

# As PostgreSQL has it: longer names are cut.
_MOST_BYTES = 63


def write_schema(inspection: Inspection, table: str) -> str:
    """Return the SQL of a table for the file, as a dataset's schema.sql has it.

    Each column says in its comment what spoke for its type. Only the key is NOT NULL: the sample
    does not tell of rows to come.
    """
    names = name_columns(inspection.columns)
    key = [names[_place(inspection.columns, title)] for title in inspection.key or ()]
    lines = [
        f"  {_quote(name)} {column.type}"
        for name, column in zip(names, inspection.columns, strict=True)
    ]
    if key:
        lines.append(f"  PRIMARY KEY ({', '.join(map(_quote, key))})")
    comments = [
        f"COMMENT ON COLUMN {_quote(table)}.{_quote(name)} IS {_literal(_describe(column))};"
        for name, column in zip(names, inspection.columns, strict=True)
    ]
    create = f"CREATE TABLE {_quote(table)} (\n" + ",\n".join(lines) + "\n);"
    return "\n".join([create, "", *comments]) + "\n"


def name_columns(columns: Sequence[InspectedColumn]) -> list[str]:
    """Return a name of small letters, digits and underscores for each column, none of them twice.

    A load finds it by the column's title, as names are matched without case, blanks and signs.
    """
    names: list[str] = []
    for place, column in enumerate(columns, 1):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.name)
        name = re.sub(r"\W+", "_", words.casefold()).strip("_") or f"column_{place}"
        name = name.encode()[:_MOST_BYTES].decode(errors="ignore")
        names.append(f"{name[: _MOST_BYTES - 5]}_{place}" if name in names else name)
    return names


def _place(columns: Sequence[InspectedColumn], title: str) -> int:
    return next(place for place, column in enumerate(columns) if column.name == title)


def _describe(column: InspectedColumn) -> str:
    return f"{column.name}: {column.evidence}" if column.evidence else column.name


def _quote(name: str) -> str:
    # Always, because names such as `user` and `order` are reserved.
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
