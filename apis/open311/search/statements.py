"""A search's criteria as SQL conditions over the published incidents."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple

from psycopg.sql import SQL, Composable, Identifier, Placeholder

from apis.open311.search.dates import Period
from apis.open311.search.geography import EARTH_RADIUS_M, Box, Circle
from apis.open311.search.places import Named, Place
from apis.open311.search.sources import FOLDER, REPORTER, RESERVED, Source, list_sources, union_of
from project.base.sql_files import read_sql

# A column's name by the parameter that lists its values.
_LISTS = {"service_id": "service_id", "incident_id": "id", "status_id": "status_id"}
_DATES = ("created", "modified")

# One service's incidents of this period are read from its index in milliseconds.
_SHORT = timedelta(days=366)

# With a single value an index also gives the order.
_FORMS: dict[str, LiteralString] = {
    "one": "{column} = {value}",
    "several": "{column} = ANY ({value}::bigint[])",
    "period": "{column} >= {start} AND {column} < {end}",
    "between": "{column} BETWEEN {low} AND {high}",
    "beyond": "({column} >= {low} OR {column} <= {high})",
    "near": read_sql(FOLDER / "distance.sql"),
}


class Condition(NamedTuple):
    """A condition without its values: its form, the column, and the names of the values."""

    form: str
    column: str
    names: tuple[str, ...]

    def write(self) -> Composable:
        """Return it as SQL."""
        values = {name: Placeholder(f"{self.column}_{name}") for name in self.names}
        return SQL(_FORMS[self.form]).format(column=Identifier(self.column), **values)


@dataclass
class Conditions:
    """Conditions joined by AND, their parameters, and the additional columns they need."""

    terms: list[Condition] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)

    def add(self, form: str, column: str, **values: Any) -> None:
        """Add a condition with the values that its form names."""
        self.terms.append(Condition(form, column, tuple(values)))
        self.parameters |= {f"{column}_{name}": value for name, value in values.items()}


def build_conditions(values: dict[str, Any], reporter: str | None) -> Conditions:
    """Return the conditions of checked parameters, scoped to a reporter where there is one."""
    conditions = Conditions()
    for parameter, column in _LISTS.items():
        if parameter in values:
            ids: list[int] = values[parameter]
            if len(ids) == 1:
                conditions.add("one", column, value=ids[0])
            else:
                conditions.add("several", column, value=ids)
    for name in _DATES:
        if name in values:
            conditions.add("period", name, start=values[name].start, end=values[name].end)
    if "where" in values:
        _add_place(conditions, values["where"])
    if reporter is not None:
        _add_named(conditions, Named(REPORTER, reporter))
    return conditions


def write_statement(name: str, conditions: Conditions) -> bytes:
    """Return a statement of `sql/` about the incidents that meet the conditions.

    Its parameters are those of the conditions and the statement's own.
    """
    columns = frozenset(conditions.columns)
    return _write(f"{name}.sql", list_sources(), columns, tuple(conditions.terms))


@lru_cache(maxsize=256)
def _write(
    file: str, sources: tuple[Source, ...], columns: frozenset[str], terms: tuple[Condition, ...]
) -> bytes:
    statement = SQL(read_sql(FOLDER / file)).format(
        columns=SQL(", ").join(map(Identifier, RESERVED)),
        incidents=union_of(sources, columns),
        conditions=SQL(" AND ").join(term.write() for term in terms),
    )
    return statement.as_bytes()


def is_service_search(values: dict[str, Any]) -> bool:
    """Return whether a search is for one service in a time of up to a year.

    One plan fits all of these. Other searches are planned for their own values: a box of any size,
    a rare status and a common one each want another index.
    """
    period: Period | None = values.get("created")
    return (
        period is not None
        and period.end - period.start <= _SHORT
        and len(values.get("service_id", ())) == 1
    )


def _add_place(conditions: Conditions, place: Place) -> None:
    if isinstance(place, Named):
        _add_named(conditions, place)
    elif isinstance(place, Circle):
        _add_box(conditions, place.box)
        conditions.add(
            "near",
            "place",
            latitude=place.latitude,
            longitude=place.longitude,
            earth_radius_m=EARTH_RADIUS_M,
            reach_m=place.radius_m,
        )
    else:
        _add_box(conditions, place)


def _add_box(conditions: Conditions, box: Box) -> None:
    conditions.add("between", "latitude", low=box.south, high=box.north)
    form = "beyond" if box.crosses_antimeridian else "between"
    conditions.add(form, "longitude", low=box.west, high=box.east)


def _add_named(conditions: Conditions, place: Named) -> None:
    conditions.add("one", place.column, value=place.value)
    conditions.columns.add(place.column)
