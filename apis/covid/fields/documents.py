"""The parts of answers that are prepared once: field definitions, changes, states, totals."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from psycopg import Connection

from apis.covid.fields.definitions import Scope
from apis.covid.fields.lifecycle import Field, Stage, Step
from apis.covid.fields.templates import format_timestamp

# The files that the reports side writes, without computed values.
DOWNLOADS: dict[Scope, str] = {
    "states": "/reports/covid_states_daily.csv",
    "us": "/reports/covid_us_daily.csv",
}


class PublishedField(msgspec.Struct, frozen=True, kw_only=True):
    """A name of the API as /fields describes it, gone ones too."""

    field: str
    name: str
    definition: str
    unit: str | None
    deprecated: bool
    formerly: list[str]
    status: str  # planned | live | replaced | frozen | zeroed | gone
    published_for: list[str]
    launched_at: str
    deprecated_at: str | None
    sunset: str | None
    replaced_by: str | None
    download: str | None


class FieldNote(msgspec.Struct, frozen=True):
    """A published field as the `meta` of every answer with data has it."""

    field: str
    deprecated: bool
    unit: str | None
    formerly: list[str]
    download: str


class DataChange(msgspec.Struct, frozen=True):
    """An entry of /changes."""

    id: str
    date: str
    kind: str  # announcement | added | renamed | frozen | removal_announced | zeroed | removed
    field: str | None
    title: str
    description: str | None


class SumCheck(msgspec.Struct, frozen=True):
    """On how many days the states add up to one of the nation's figures."""

    figure: str
    days: int
    equal_days: int


def describe_field(field: Field, scopes: Sequence[Scope]) -> PublishedField:
    """Return the description of a name that is published for these."""
    definition = field.definition
    return PublishedField(
        field=field.name,
        name=definition.name,
        definition=definition.definition,
        unit=definition.unit,
        deprecated=field.deprecated_at is not None,
        formerly=definition.formerly,
        status=Stage(field.stage).name.lower(),
        published_for=list(scopes) if field.is_published else [],
        launched_at=format_timestamp(definition.launched_at),
        deprecated_at=_format(field.deprecated_at),
        sunset=_format(field.sunset_at),
        replaced_by=field.replaced_by,
        download=DOWNLOADS[scopes[0]] if scopes else None,
    )


def note_field(field: PublishedField, scope: Scope) -> FieldNote:
    """Return what the answers of one scope tell about a field."""
    return FieldNote(field.field, field.deprecated, field.unit, field.formerly, DOWNLOADS[scope])


def list_changes(connection: Connection, steps: Sequence[Step], now: datetime) -> list[DataChange]:
    """Return the announcements and the steps of fields until now, the latest first."""
    rows = connection.execute(
        "SELECT change_id, changed_at, field, title, description FROM covid.changes"
        " WHERE changed_at <= %s",
        [now],
    )
    found = [
        (at, DataChange(change_id, format_timestamp(at), "announcement", field, title, description))
        for change_id, at, field, title, description in rows
    ]
    found += [(step.at, _describe_step(step)) for step in steps]
    found.sort(key=lambda pair: (pair[0], pair[1].id), reverse=True)
    return [change for _, change in found]


def _describe_step(step: Step) -> DataChange:
    change_id = f"{step.kind}:{step.field}:{step.at:%Y-%m-%d}"
    return DataChange(change_id, format_timestamp(step.at), step.kind, step.field, step.title, None)


def _format(moment: datetime | None) -> str | None:
    return format_timestamp(moment) if moment else None
