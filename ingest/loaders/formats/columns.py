"""Which column each field of a file belongs to: the meaning of `--columns`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.catalog.column_names import NameMatcher
from ingest.loaders.formats.csv_rows import parse_records
from project.base.errors import RowhouseError


class ColumnsInvalid(RowhouseError):
    """The list of columns is not understood or does not fit the file."""

    code = "columns_invalid"


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Columns by position, or new names by the file's own; an empty name leaves a field out."""

    ordered: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)


def parse_columns(text: str) -> ColumnNames:
    """Understand `a,b,,d` and `name in the file=column,…`; a name with a comma is quoted."""
    (items,) = parse_records([text.encode()])
    pairs = [item.rpartition("=") for item in items]
    if all(equals for _, equals, _ in pairs):
        return ColumnNames(renamed={name.strip(): column.strip() for name, _, column in pairs})
    if any(equals for _, equals, _ in pairs) or not any(item.strip() for item in items):
        raise ColumnsInvalid("write either columns in order (a,b) or pairs (name in the file=a)")
    return ColumnNames(ordered=tuple(item.strip() for item in items))


def name_columns(header: Sequence[str], names: ColumnNames) -> list[str]:
    """Return the column of each field of a CSV file with this header, "" for one left out."""
    if names.ordered:
        if len(names.ordered) != len(header):
            raise ColumnsInvalid(
                f"{len(names.ordered)} columns are named, the file has {len(header)}"
            )
        return list(names.ordered)
    columns = list(header)
    for name, column in names.renamed.items():
        columns[find_field(header, name)] = column
    return columns


def find_field(header: Sequence[str], name: str) -> int:
    """Return the place of the only field with this name; raise `ColumnsInvalid`."""
    found = NameMatcher(header).find(name)
    if len(found) != 1:
        several = f": it could be any of {', '.join(found)}" if found else ""
        raise ColumnsInvalid(f"the file's header has no single field {name!r}{several}")
    return header.index(found[0])
