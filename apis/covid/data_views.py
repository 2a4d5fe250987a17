"""GET /covid/v2/states/history, /state/{code}, /us …: the figures, each with /simple."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from django.http.response import HttpResponseBase
from django.utils.http import http_date
from drf_spectacular.utils import extend_schema
from psycopg import Connection
from rest_framework.request import Request

from apis.covid.answers.envelope import Part, covid_config, make_links, make_meta, wrap
from apis.covid.answers.ranges import PARAMETERS, Days, choose_days, read_day, read_range
from apis.covid.answers.selection import Selection, select_fields
from apis.covid.answers.tables import (
    BuildStatus,
    RowReader,
    State,
    find_state,
    read_document,
    read_fields,
    read_span,
    read_states,
)
from apis.covid.errors import DayUnknown, FieldUnknown, NotBuilt, StateUnknown
from apis.covid.fields.definitions import Scope
from apis.covid.fields.templates import Form
from apis.covid.openapi import FIELDS, RANGE, ROW, envelope_of
from apis.covid.views import Answer, CovidView
from project.base.errors import BadParameter
from project.http.openapi import Errors, answers

NATION = "US"
OF_STATES = answers({200: envelope_of(ROW, with_states=True)})
OF_NATION = answers({200: envelope_of(ROW)})


@dataclass(frozen=True)
class Found:
    """The rows of an answer, their days where a range can be given, the states' metadata."""

    rows: list[Part]
    days: Days | None = None
    states: Sequence[State] | None = None  # None: the answer is not about states


class _DataView(CovidView):
    """Figures of the states or the nation."""

    scope: ClassVar[Scope]
    parameters = frozenset({"fields"})
    errors: Errors = {"GET": [BadParameter, FieldUnknown, NotBuilt]}

    def compose(
        self, connection: Connection, request: Request, build: BuildStatus, **named: Any
    ) -> Answer:
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
        return wrap(head, found.rows), _describe_deprecation(request, selection)

    def find(self, reader: RowReader, request: Request, **named: str) -> Found:
        """Return the rows of the state that the address names, or of the nation."""
        if self.scope == "us":
            return self.read(reader, request, NATION, **named)
        state = find_state(reader.connection, named.pop("code"))
        return replace(self.read(reader, request, state.code, **named), states=[state])

    def read(self, reader: RowReader, request: Request, area: str, **named: str) -> Found:
        """Return the rows of an area that the address asks for."""
        raise NotImplementedError


class _HistoryView(_DataView):
    """All days, or those of a range or page."""

    parameters = _DataView.parameters | PARAMETERS

    def read(self, reader: RowReader, request: Request, area: str, **named: str) -> Found:
        """Return the days that are asked for."""
        days = _find_days(reader.connection, request, area)
        return Found(reader.read_area(area, days) if days else [], days)


class _LatestView(_DataView):
    """The latest day."""

    def read(self, reader: RowReader, request: Request, area: str, **named: str) -> Found:
        """Return the latest day, nothing where there is none."""
        span = read_span(reader.connection, area)
        return Found(reader.read_area(area, Days(span[1], span[1])) if span else [])


class _DayView(_DataView):
    """The day that the address names."""

    def read(self, reader: RowReader, request: Request, area: str, **named: str) -> Found:
        """Return the day; raise `DayUnknown`."""
        day = read_day(named["day"], "day")
        rows = reader.read_area(area, Days(day, day))
        if not rows:
            raise DayUnknown(f"There are no figures of {day}", day=str(day))
        return Found(rows)


class StatesHistoryView(_HistoryView):
    """All states' days."""

    scope = "states"

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
        return Found(rows, days, read_states(reader.connection))


class StateHistoryView(_HistoryView):
    """One state's days."""

    scope = "states"
    errors: Errors = {"GET": [*_DataView.errors["GET"], StateUnknown]}

    @extend_schema(
        summary="Get all records of a state", parameters=[*RANGE, FIELDS], responses=OF_STATES
    )
    def get(self, request: Request, code: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the state's metadata and every day, the newest first."""
        return self.answer(request, code=code, form=form)


class StateView(_LatestView):
    """One state's latest day."""

    scope = "states"
    errors: Errors = {"GET": [*_DataView.errors["GET"], StateUnknown]}

    @extend_schema(summary="Get a state", parameters=[FIELDS], responses=OF_STATES)
    def get(self, request: Request, code: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the state's metadata and its latest record."""
        return self.answer(request, code=code, form=form)


class StateDayView(_DayView):
    """One day of one state."""

    scope = "states"
    errors: Errors = {"GET": [*_DataView.errors["GET"], StateUnknown, DayUnknown]}

    @extend_schema(summary="Get a day of a state", parameters=[FIELDS], responses=OF_STATES)
    def get(self, request: Request, code: str, day: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the state's metadata and its record of the day."""
        return self.answer(request, code=code, day=day, form=form)


class UsHistoryView(_HistoryView):
    """The nation's days."""

    scope = "us"

    @extend_schema(
        summary="Get all records of the nation", parameters=[*RANGE, FIELDS], responses=OF_NATION
    )
    def get(self, request: Request, form: Form = "nested") -> HttpResponseBase:
        """Answer every day, the newest first."""
        return self.answer(request, form=form)


class UsView(_LatestView):
    """The nation's latest day."""

    scope = "us"

    @extend_schema(summary="Get the nation", parameters=[FIELDS], responses=OF_NATION)
    def get(self, request: Request, form: Form = "nested") -> HttpResponseBase:
        """Answer the latest record."""
        return self.answer(request, form=form)


class UsDayView(_DayView):
    """One day of the nation."""

    scope = "us"
    errors: Errors = {"GET": [*_DataView.errors["GET"], DayUnknown]}

    @extend_schema(summary="Get a day of the nation", parameters=[FIELDS], responses=OF_NATION)
    def get(self, request: Request, day: str, form: Form = "nested") -> HttpResponseBase:
        """Answer the record of the day."""
        return self.answer(request, day=day, form=form)


def _find_days(connection: Connection, request: Request, area: str | None) -> Days | None:
    asked = read_range(request.GET)
    span = read_span(connection, area)
    return choose_days(asked, span, covid_config().page_days) if span else None


def _read_selection(connection: Connection, request: Request, scope: Scope) -> Selection | None:
    text = request.GET.get("fields")
    return None if text is None else select_fields(text, read_fields(connection), scope)


def _read_notes(connection: Connection, scope: Scope, selection: Selection | None) -> Any:
    notes = read_document(connection, f"notes_{scope}")
    return notes if selection is None else selection.filter_notes(notes)


def _describe_deprecation(request: Request, selection: Selection | None) -> dict[str, str]:
    """Return the headers for deprecated names (RFC 9745, RFC 8594, RFC 5829)."""
    if selection is None or not selection.notices:
        return {}
    deprecated_at = min(datetime.fromisoformat(one.deprecated_at) for one in selection.notices)
    sunset = min(datetime.fromisoformat(one.sunset) for one in selection.notices)
    query = request.GET.copy()
    query["fields"] = ",".join(selection.successors)
    successor = f"{request.path}?{query.urlencode(safe=',')}"
    return {
        "Deprecation": f"@{int(deprecated_at.timestamp())}",
        "Sunset": http_date(sunset.timestamp()),
        "Link": f'<{quote(successor, safe="/?&=%,:")}>; rel="successor-version", '
        '</covid/v2/changes>; rel="deprecation"',
    }
