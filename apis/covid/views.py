"""GET /covid/v2/changes, /status, /fields and /states, and what all views of this API share."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from psycopg import Connection
from rest_framework.request import Request
from rest_framework.views import APIView

from apis.covid.answers.caching import ConditionalAnswer
from apis.covid.answers.envelope import DATASET, Part, make_links, make_meta, wrap
from apis.covid.answers.status import ApiStatus, read_api_status
from apis.covid.answers.tables import BuildStatus, read_build, read_document, read_states
from apis.covid.errors import NotBuilt
from apis.covid.fields.documents import DataChange, PublishedField
from apis.covid.openapi import STATE, envelope_of
from project.base.errors import BadParameter, Unavailable
from project.http.access.reading import always_from
from project.http.answers import answer_json
from project.http.openapi import Errors, answers
from project.http.pagination import refuse_unknown
from project.models import Scope
from reports.engine.contents import read_only_snapshot

logger = logging.getLogger("rowhouse.covid")

ERRORS: Errors = {"GET": [BadParameter, NotBuilt]}

# The parts of an answer, and headers of its own.
Answer = tuple[list[Part], Mapping[str, str]]


class CovidView(APIView):
    """An answer from one build, which is answered with 304 until the next one."""

    parameters: ClassVar[frozenset[str]] = frozenset()
    scopes = {"GET": Scope.READ}
    datasets = staticmethod(always_from(DATASET))
    errors: Errors = ERRORS

    def answer(self, request: Request, **named: Any) -> HttpResponseBase:
        """Answer 304 without reading the data where the client has this build's answer."""
        refuse_unknown(request.GET, self.parameters)
        with covid_snapshot() as connection:
            build = read_build(connection)
            conditional = ConditionalAnswer(request, build)
            unmodified = conditional.find_unmodified()
            if unmodified is not None:
                return unmodified
            parts, headers = self.compose(connection, request, build, **named)
        response = conditional.send(parts)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    def compose(
        self, connection: Connection, request: Request, build: BuildStatus, **named: Any
    ) -> Answer:
        """Return the whole answer."""
        raise NotImplementedError


class _ListView(CovidView):
    """An answer whose data are a list without figures."""

    document: ClassVar[str]

    def compose(
        self, connection: Connection, request: Request, build: BuildStatus, **named: Any
    ) -> Answer:
        """Return the envelope and the data."""
        head = make_head(connection, request, build.build_time)
        return wrap(head, self.read(connection)), {}

    def read(self, connection: Connection) -> list[Part]:
        """Return the items of `document`."""
        return [bytes(read_document(connection, self.document))[1:-1]]


class ChangesView(_ListView):
    """Additions and changes to the API."""

    document = "changes"

    @extend_schema(summary="List changes", responses=answers({200: envelope_of(DataChange)}))
    def get(self, request: Request) -> HttpResponseBase:
        """Answer announcements and every step of new, renamed and removed fields, latest first."""
        return self.answer(request)


class FieldsView(_ListView):
    """The fields."""

    document = "fields"

    @extend_schema(summary="List fields", responses=answers({200: envelope_of(PublishedField)}))
    def get(self, request: Request) -> HttpResponseBase:
        """Answer every field: long name, definition, unit, former names, what becomes of it."""
        return self.answer(request)


class StatesView(_ListView):
    """The states."""

    @extend_schema(summary="List states", responses=answers({200: envelope_of(STATE)}))
    def get(self, request: Request) -> HttpResponseBase:
        """Answer the states and their metadata."""
        return self.answer(request)

    def read(self, connection: Connection) -> list[Part]:
        """Return the metadata of every state."""
        return [bytes(state.metadata) for state in read_states(connection)]


class StatusView(CovidView):
    """Build and health."""

    errors: Errors = {"GET": [BadParameter]}

    @extend_schema(
        summary="Get the last build and the API's health",
        responses=answers({200: envelope_of(ApiStatus)}),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer as it is now; nothing of this may be kept."""
        refuse_unknown(request.GET, frozenset())
        with covid_snapshot() as connection:
            status = read_api_status(connection)
            head = make_head(connection, request, status.build_time)
        return answer_json(head | {"data": [status]}, headers={"Cache-Control": "no-store"})


def make_head(connection: Connection, request: Request, build_time: str | None) -> dict[str, Any]:
    """Return the envelope's members before `data` of an answer that is not about one scope."""
    notes = read_document(connection, "notes_states")
    return {"links": make_links(request), "meta": make_meta(request, build_time, notes)}


@contextmanager
def covid_snapshot() -> Iterator[Connection]:
    """Give the service's connection in one snapshot; raise `Unavailable` where that fails."""
    try:
        with read_only_snapshot() as connection:
            yield connection
    except psycopg.Error as error:
        logger.warning("not answered", extra={"sqlstate": error.sqlstate})
        raise Unavailable("The data cannot be read, at least not now") from error
