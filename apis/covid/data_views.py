"""GET /covid/v2/states/history, /state/{code}, /us …: the figures, each with /simple."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from django.http.response import HttpResponseBase
from django.utils.http import http_date
from drf_spectacular.utils import extend_schema
from psycopg import Connection
from rest_framework.request import Request

from apis.covid.envelope import Part, covid_config, make_links, make_meta, wrap
from apis.covid.errors import DayUnknown, FieldUnknown, NotBuilt, StateUnknown
from apis.covid.fields.definitions import Scope
from apis.covid.fields.templates import Form
from apis.covid.openapi import FIELDS, RANGE, ROW, envelope_of
from apis.covid.ranges import PARAMETERS, Days, choose_days, read_asked, read_day
from apis.covid.reading import (
    BuildStatus,
    State,
    find_state,
    read_document,
    read_fields,
    read_span,
    read_states,
)
from apis.covid.rows import RowReader
from apis.covid.selection import Selection, select_fields
from apis.covid.views import Composed, CovidView
from project.base.errors import BadParameter
from project.http.openapi import Errors, answers

NATION = "US"
OF_STATES = answers({200: envelope_of(ROW, with_states=True)})
OF_NATION = answers({200: envelope_of(ROW)})


@dataclass(frozen=True)
class Found:
    """What was asked for: the states' metadata (None: not about states) and rows."""

    states: Sequence[State] | None
    rows: list[Part]
    days: Days | None = None


class _DataView(CovidView):
    """Figures of the states or the nation."""

    scope: ClassVar[Scope]
    parameters = frozenset({"fields"})
    errors: Errors = {"GET": [BadParameter, FieldUnknown, NotBuilt]}

    def compose(
        self, connection: Connection, request: Request, build: BuildStatus, **named: Any
    ) -> Composed:
        """Return the envelope, the states' metadata and the rows."""
        form: Form = named.pop("form", "nested")
        selection = _read_selection(connection, request, self.scope)
        found = self.find(RowReader(connection, form, selection), request, **named)
        notes = _read_notes(connection, self.scope, selection)
        head: dict[str, Any] = {
            "links": make_links(request, found.days),
            "meta": make_meta(request, build.build_time, notes),
        }
        if found.states is not None:
            head["states"] = [state.metadata for state in found.states]
        return Composed(wrap(head, found.rows), _tell(request, selection))

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return what the address names."""
        raise NotImplementedError


class StatesHistoryView(_DataView):
    """All states' days."""

    scope = "states"
    parameters = _DataView.parameters | PARAMETERS

    @extend_schema(
        summary="Get all records of all states", parameters=[*RANGE, FIELDS], responses=OF_STATES
    )
    def get(self, request: Request, form: Form = "nested") -> HttpResponseBase:
        """Answer every day of every state, the newest first."""
        return self.answer(request, form=form)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the days that are asked for."""
        days = _find_days(reader.connection, request, None)
        rows = reader.read_all_states(days) if days else []
        return Found(read_states(reader.connection), rows, days)


class StateHistoryView(_DataView):
    """One state's days."""

    scope = "states"
    parameters = _DataView.parameters | PARAMETERS
    errors: Errors = {"GET": [*_DataView.errors["GET"], StateUnknown]}

    @extend_schema(
        summary="Get all records of a state", parameters=[*RANGE, FIELDS], responses=OF_STATES
    )
    def get(self, request: Request, code: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the state's metadata and every day, the newest first."""
        return self.answer(request, code=code, form=form)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the days that are asked for."""
        state = find_state(reader.connection, named["code"])
        days = _find_days(reader.connection, request, state.code)
        return Found([state], reader.read_area(state.code, days) if days else [], days)


class StateView(_DataView):
    """One state's latest day."""

    scope = "states"
    errors: Errors = {"GET": [*_DataView.errors["GET"], StateUnknown]}

    @extend_schema(summary="Get a state", parameters=[FIELDS], responses=OF_STATES)
    def get(self, request: Request, code: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the state's metadata and its latest record."""
        return self.answer(request, code=code, form=form)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the latest day."""
        state = find_state(reader.connection, named["code"])
        return Found([state], _read_latest(reader, state.code))


class StateDayView(_DataView):
    """One day of one state."""

    scope = "states"
    errors: Errors = {"GET": [*_DataView.errors["GET"], StateUnknown, DayUnknown]}

    @extend_schema(summary="Get a day of a state", parameters=[FIELDS], responses=OF_STATES)
    def get(self, request: Request, code: str, day: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the state's metadata and its record of the day."""
        return self.answer(request, code=code, day=day, form=form)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the day."""
        state = find_state(reader.connection, named["code"])
        return Found([state], _read_day(reader, state.code, named["day"]))


class UsHistoryView(_DataView):
    """The nation's days."""

    scope = "us"
    parameters = _DataView.parameters | PARAMETERS

    @extend_schema(
        summary="Get all records of the nation", parameters=[*RANGE, FIELDS], responses=OF_NATION
    )
    def get(self, request: Request, form: Form = "nested") -> HttpResponseBase:
        """Answer every day, the newest first."""
        return self.answer(request, form=form)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the days that are asked for."""
        days = _find_days(reader.connection, request, NATION)
        return Found(None, reader.read_area(NATION, days) if days else [], days)


class UsView(_DataView):
    """The nation's latest day."""

    scope = "us"

    @extend_schema(summary="Get the nation", parameters=[FIELDS], responses=OF_NATION)
    def get(self, request: Request, form: Form = "nested") -> HttpResponseBase:
        """Answer the latest record."""
        return self.answer(request, form=form)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the latest day."""
        return Found(None, _read_latest(reader, NATION))


class UsDayView(_DataView):
    """One day of the nation."""

    scope = "us"
    errors: Errors = {"GET": [*_DataView.errors["GET"], DayUnknown]}

    @extend_schema(summary="Get a day of the nation", parameters=[FIELDS], responses=OF_NATION)
    def get(self, request: Request, day: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the record of the day."""
        return self.answer(request, day=day, form=form)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the day."""
        return Found(None, _read_day(reader, NATION, named["day"]))


def _find_days(connection: Connection, request: Request, area: str | None) -> Days | None:
    asked = read_asked(request.GET)
    span = read_span(connection, area)
    return choose_days(asked, span, covid_config().page_days) if span else None


def _read_latest(reader: RowReader, area: str) -> list[Part]:
    span = read_span(reader.connection, area)
    return reader.read_area(area, Days(span[1], span[1])) if span else []


def _read_day(reader: RowReader, area: str, text: str) -> list[Part]:
    day: date = read_day(text, "day")
    rows = reader.read_area(area, Days(day, day))
    if not rows:
        raise DayUnknown(f"There are no figures of {day}", day=str(day))
    return rows


def _read_selection(connection: Connection, request: Request, scope: Scope) -> Selection | None:
    text = request.GET.get("fields")
    return None if text is None else select_fields(text, read_fields(connection), scope)


def _read_notes(connection: Connection, scope: Scope, selection: Selection | None) -> Any:
    notes = read_document(connection, f"notes_{scope}")
    return notes if selection is None else selection.filter_notes(notes)


def _tell(request: Request, selection: Selection | None) -> dict[str, str]:
    """Return headers that tell who asks for a former name (RFC 9745, RFC 8594, RFC 5829)."""
    if selection is None or not selection.notices:
        return {}
    deprecated_at = min(_read_moment(notice.deprecated_at) for notice in selection.notices)
    sunset = min(_read_moment(notice.sunset) for notice in selection.notices)
    query = request.GET.copy()
    query["fields"] = ",".join(selection.successors)
    successor = f"{request.path}?{query.urlencode(safe=',')}"
    return {
        "Deprecation": f"@{int(deprecated_at.timestamp())}",
        "Sunset": http_date(sunset.timestamp()),
        "Link": f'<{quote(successor, safe="/?&=%,:")}>; rel="successor-version", '
        '</covid/v2/changes>; rel="deprecation"',
    }


def _read_moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
