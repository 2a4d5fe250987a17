"""CSV headers: the columns they name, or everything that is wrong with them."""

import json
from collections.abc import Sequence

from ingest.catalog.column_names import NameMatcher
from ingest.catalog.definitions import Table
from ingest.errors import CsvHeader
from ingest.payload.csv_body import DELIMITERS, MAX_NAMES
from ingest.payload.json_text import printable

# Of a name, of wrong names, of the columns that are there: what an error tells at most.
_SHOWN_CHARACTERS = 100
_SHOWN_PROBLEMS = 20
_SHOWN_COLUMNS = 100


def match_header(
    header: Sequence[str] | None, table: Table, *, drops_extra: bool = False
) -> list[str]:
    """Return the column of each name in a header, found without regard to case, spaces and `_`.

    Without a header the fields are all writable columns in order. Raises `CsvHeader` for names that
    no such column has, which are empty instead with `drops_extra`, and for columns named twice.
    """
    columns = [column.name for column in table.writable]
    if header is None:
        return columns
    if len(header) > MAX_NAMES:
        raise CsvHeader(f"The header has more than {MAX_NAMES} names", table=table.full_name)
    known = NameMatcher(columns)
    found = [known.find(name) for name in header]
    if drops_extra:
        everything = NameMatcher(column.name for column in table.columns)
        found = [
            each or ([] if everything.find(name) else [""])
            for name, each in zip(header, found, strict=True)
        ]
    names = [each[0] for each in found if len(each) == 1]
    named = list(filter(None, names))
    if len(names) < len(header) or len(set(named)) < len(named):
        raise _describe(header, found, table)
    return names


def _describe(header: Sequence[str], found: Sequence[Sequence[str]], table: Table) -> CsvHeader:
    everything = NameMatcher(column.name for column in table.columns)
    problems: list[str] = []
    named: set[str] = set()
    for name, columns in zip(header, found, strict=True):
        shown = json.dumps(printable(name.strip()[:_SHOWN_CHARACTERS]), ensure_ascii=False)
        if len(columns) > 1:
            problems.append(f"{shown} could be any of {', '.join(columns)}")
        elif columns and columns[0] in named:
            problems.append(f"{shown} names the column {columns[0]} again")
        elif not columns and everything.find(name):
            problems.append(f"{shown} is set by the database and cannot be sent")
        elif not columns:
            problems.append(f"{shown} is not a column")
        named.update(filter(None, columns))
    more = len(problems) - _SHOWN_PROBLEMS
    told = problems[:_SHOWN_PROBLEMS] + ([f"{more} more do not fit"] if more > 0 else [])
    columns = [column.name for column in table.writable][:_SHOWN_COLUMNS]
    sentences = [
        f"The header does not fit {table.full_name}: {'; '.join(told)}",
        f"The columns are {', '.join(columns)}" if columns else "It has no column to send",
        *_guess_cause(header, table, sum(map(bool, found))),
    ]
    return CsvHeader(". ".join(sentences), table=table.full_name, columns=columns)


def _guess_cause(header: Sequence[str], table: Table, found: int) -> list[str]:
    """Return what is likely to have gone wrong, in words."""
    known = NameMatcher(column.name for column in table.columns)
    line = ",".join(header)
    for delimiter, plural in DELIMITERS.items():
        if sum(bool(known.find(name.strip('" '))) for name in line.split(delimiter)) > found:
            return [f"Its names are divided by {plural}: a CSV body has commas between its fields"]
    if not found and any(name.strip()[:1].isdigit() for name in header):
        return ["Is it a row? Where the first line is one, send header=absent"]
    return []
