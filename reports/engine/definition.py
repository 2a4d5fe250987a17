"""A report's definition: a header in the leading comment of an .sql file, then its SELECT.

A definition is one file `name.sql`, or a folder `name/` that holds `report.sql`.
"""

import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from project.base.config import ParameterValue
from project.base.schedule import BadSchedule, check_expression
from reports.errors import DefinitionInvalid

# Leaves room for `_history` and `__next` in PostgreSQL's 63 bytes.
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
HISTORY_SUFFIX = "_history"
RESERVED = {"report_status"}

ColumnName = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]{0,62}\Z")]
SourceName = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*\Z")]
OrderItem = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]*( desc)?\Z")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping in a header: no other key is allowed."""


class ColumnNote(_Part, frozen=True):
    """What people read about a column; its type comes from the SELECT."""

    caption: str
    description: str = ""
    role: Literal["dimension", "measure"] | None = None  # None: numbers are measures


class Parameter(_Part, frozen=True):
    """A value the SELECT takes as %(name)s; rest_conf.yml may give another of the same type."""

    value: ParameterValue
    description: str = ""


class ChartLine(_Part, frozen=True):
    """A line across the chart, at a number that every row of the SELECT has.

    A column of the SELECT that is not among `columns` is for the line alone: the table has it not.
    """

    caption: str
    column: ColumnName


class Chart(_Part, frozen=True):
    """What the report's page draws; the values of a category are added up.

    Of `lines` the category is what they go along, such as the days: there is one for each of the
    values, or one for each value of the column `by`. Where those are many, the ones with the
    greatest sum of the column `weight` are drawn.
    """

    kind: Literal["bars", "grouped_bars", "lines"]
    category: ColumnName
    values: Annotated[list[ColumnName], Meta(min_length=1, max_length=6)]
    line: ChartLine | None = None
    by: ColumnName | None = None
    weight: ColumnName | None = None

    @property
    def columns(self) -> list[str]:
        """The report's columns that the chart is drawn from."""
        others = [name for name in (self.by, self.weight) if name is not None]
        return [self.category, *self.values, *others]


class Header(_Part, frozen=True):
    """The whole header."""

    title: str
    description: str
    sources: Annotated[list[SourceName], Meta(min_length=1)]  # tables whose changes matter
    columns: Annotated[dict[ColumnName, ColumnNote], Meta(min_length=1)]
    order: list[OrderItem] = []
    parameters: dict[str, Parameter] = {}
    schedule: str | None = None
    snapshot: Literal["daily"] | None = None
    refresh: Literal["when_changed", "always"] = "when_changed"
    chart: Chart | None = None


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A report, with the parameters and the schedule that rest_conf.yml may have changed."""

    name: str
    header: Header
    query: str
    parameters: dict[str, ParameterValue]
    schedule: str | None

    @property
    def values(self) -> dict[str, ParameterValue]:
        """The SELECT's parameters: its own, and the report's name as %(report)s.

        Never empty: psycopg leaves %% alone where there is nothing to put in.
        """
        return {"report": self.name} | self.parameters

    @property
    def line_column(self) -> str | None:
        """The column the chart's line is drawn at, where there is one."""
        chart = self.header.chart
        return chart.line.column if chart and chart.line else None

    @property
    def digest(self) -> str:
        """A hash of everything in the definition that the table's contents depend on."""
        parts = [msgspec.json.encode(self.header), self.query.encode()]
        parts.append(msgspec.json.encode(self.parameters))
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def check_name(name: str) -> None:
    """Raise `DefinitionInvalid` for a name that no report may have."""
    if not NAME.fullmatch(name) or name in RESERVED or name.endswith(HISTORY_SUFFIX):
        raise DefinitionInvalid(
            f"{name}: a report's name is of lower-case letters, digits and _, at most 50, not "
            f"{', '.join(RESERVED)} and does not end in {HISTORY_SUFFIX}",
            report=name,
        )


def parse_definition(name: str, text: str) -> Definition:
    """Return the definition in the text; raise `DefinitionInvalid` that says what is wrong."""
    check_name(name)
    comment, rest = _split_header(text)
    query = rest.strip().rstrip(";").rstrip()
    try:
        header = msgspec.yaml.decode(comment, type=Header)
    except msgspec.DecodeError as error:
        raise DefinitionInvalid(f"{name}: {error}", report=name) from error
    for problem in _find_problems(header, query):
        raise DefinitionInvalid(f"{name}: {problem}", report=name)
    return Definition(
        name=name,
        header=header,
        query=query,
        parameters={key: parameter.value for key, parameter in header.parameters.items()},
        schedule=header.schedule,
    )


def read_definition(path: Path) -> Definition:
    """Return the definition kept in the file or folder."""
    file = path / "report.sql" if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionInvalid(
            f"{path.name}: cannot be read: {error}", report=path.stem
        ) from error
    return parse_definition(path.stem, text)


def _split_header(text: str) -> tuple[str, str]:
    lines = text.lstrip("\ufeff").splitlines()
    end = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    comment = "\n".join(line[2:].removeprefix(" ") for line in lines[:end])
    return comment, "\n".join(lines[end:])


def _find_problems(header: Header, query: str) -> list[str]:
    problems = []
    if not query:
        problems.append("there is no SELECT below the header")
    named = [item.removesuffix(" desc") for item in header.order]
    if header.chart:
        named += header.chart.columns
        problems += _find_chart_problems(header.chart)
    problems += [f"{name} is not among the columns" for name in named if name not in header.columns]
    if header.schedule is not None:
        try:
            check_expression(header.schedule)
        except BadSchedule as error:
            problems.append(f"schedule: {error}")
    return problems


def _find_chart_problems(chart: Chart) -> list[str]:
    if chart.kind != "lines":
        return ["chart: only lines have by and weight"] if chart.by or chart.weight else []
    problems = []
    if chart.line:
        problems.append("chart: lines have no line across them")
    if chart.by and len(chart.values) > 1:
        problems.append("chart: lines by a column have one value")
    return problems
