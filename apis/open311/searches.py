"""A search's criteria as SQL conditions over the published incidents."""

from dataclasses import dataclass, field
from typing import Any

from psycopg.sql import SQL, Composable, Identifier, Placeholder

from apis.open311.dates import Period
from apis.open311.geography import EARTH_RADIUS_M, Box, Circle
from apis.open311.places import Named, Place
from apis.open311.sources import FOLDER, REPORTER
from project.queries import read_sql

# A column's name by the parameter that lists its values.
_LISTS = {"service_id": "service_id", "incident_id": "id", "status_id": "status_id"}
_DATES = ("created", "modified")


@dataclass
class Conditions:
    """Conditions that must all hold, their parameters, and the columns they need beside."""

    parts: list[Composable] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)

    @property
    def clause(self) -> Composable:
        """What stands after WHERE."""
        return SQL(" AND ").join(self.parts)


def build_conditions(values: dict[str, Any], reporter: str | None) -> Conditions:
    """Return the conditions of checked parameters, scoped to a reporter where there is one."""
    conditions = Conditions()
    for parameter, column in _LISTS.items():
        if parameter in values:
            _add_list(conditions, parameter, column, values[parameter])
    for name in _DATES:
        if name in values:
            _add_period(conditions, name, values[name])
    if "where" in values:
        _add_place(conditions, values["where"])
    if reporter is not None:
        _add_named(conditions, Named(REPORTER, reporter))
    return conditions


def _add_list(conditions: Conditions, parameter: str, column: str, ids: list[int]) -> None:
    # A single value lets an index give the order, too.
    form = "{} = {}" if len(ids) == 1 else "{} = ANY ({}::bigint[])"
    conditions.parts.append(SQL(form).format(Identifier(column), Placeholder(parameter)))
    conditions.parameters[parameter] = ids[0] if len(ids) == 1 else ids


def _add_period(conditions: Conditions, name: str, period: Period) -> None:
    start, end = f"{name}_start", f"{name}_end"
    conditions.parts.append(
        SQL("{column} >= {start} AND {column} < {end}").format(
            column=Identifier(name), start=Placeholder(start), end=Placeholder(end)
        )
    )
    conditions.parameters |= {start: period.start, end: period.end}


def _add_place(conditions: Conditions, place: Place) -> None:
    if isinstance(place, Named):
        _add_named(conditions, place)
    elif isinstance(place, Circle):
        _add_box(conditions, place.box)
        conditions.parts.append(SQL(read_sql(FOLDER / "distance.sql")))
        conditions.parameters |= {
            "earth_radius_m": EARTH_RADIUS_M,
            "near_latitude": place.latitude,
            "near_longitude": place.longitude,
            "near_m": place.radius_m,
        }
    else:
        _add_box(conditions, place)


def _add_box(conditions: Conditions, box: Box) -> None:
    conditions.parts.append(SQL("latitude BETWEEN %(south)s AND %(north)s"))
    if box.crosses_antimeridian:
        conditions.parts.append(SQL("(longitude >= %(west)s OR longitude <= %(east)s)"))
    else:
        conditions.parts.append(SQL("longitude BETWEEN %(west)s AND %(east)s"))
    conditions.parameters |= {
        "south": box.south,
        "west": box.west,
        "north": box.north,
        "east": box.east,
    }


def _add_named(conditions: Conditions, place: Named) -> None:
    name = f"named_{place.column}"
    conditions.parts.append(SQL("{} = {}").format(Identifier(place.column), Placeholder(name)))
    conditions.parameters[name] = place.value
    conditions.columns.add(place.column)
