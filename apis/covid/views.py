"""GET /covid/v2/changes, /status, /fields and /states, and what all views of this API share."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import psycopg
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from psycopg import Connection
from rest_framework.request import Request
from rest_framework.views import APIView

from apis.covid.conditions import Exchange
from apis.covid.envelope import Part, covid_config, make_links, make_meta, wrap
from apis.covid.errors import NotBuilt
from apis.covid.fields.documents import DataChange, PublishedField
from apis.covid.openapi import STATE, envelope_of
from apis.covid.reading import BuildStatus, read_build, read_document, read_states
from apis.covid.status import ApiStatus, read_api_status
from project.base.errors import BadParameter, Unavailable
from project.http.answers import answer_json
from project.http.openapi import Errors, answers
from project.http.pagination import refuse_unknown
from project.models import Scope
from reports.engine.reading import one_snapshot

logger = logging.getLogger("rowhouse.covid")

ERRORS: Errors = {"GET": [BadParameter, NotBuilt]}


@dataclass(frozen=True)
class Composed:
    """An answer, in parts, and headers of its own."""

    parts: list[Part]
    headers: Mapping[str, str] = field(default_factory=dict)


class CovidView(APIView):
    """An answer that is made of one build and may be had again with 304 until the next one."""

    parameters: ClassVar[frozenset[str]] = frozenset()
    errors: Errors = ERRORS

    @property
    def scopes(self) -> dict[str, Scope | None]:
        """The scope each method needs: none where rest_conf.yml says so."""
        return {"GET": None if covid_config().public else Scope.READ}

    def answer(self, request: Request, **named: Any) -> HttpResponseBase:
        """Answer 304 without a look at the data where the client has this build's answer."""
        refuse_unknown(request.GET, self.parameters)
        with reading() as connection:
            build = read_build(connection)
            exchange = Exchange(request, build)
            unmodified = exchange.find_unmodified()
            if unmodified is not None:
                return unmodified
            composed = self.compose(connection, request, build, **named)
        response = exchange.answer(composed.parts)
        for name, value in composed.headers.items():
            response.headers[name] = value
        return response

    def compose(
        self, connection: Connection, request: Request, build: BuildStatus, **named: Any
    ) -> Composed:
        """Return the whole answer."""
        raise NotImplementedError


class _DocumentView(CovidView):
    """An answer whose data were prepared whole."""

    document: ClassVar[str]

    def compose(
        self, connection: Connection, request: Request, build: BuildStatus, **named: Any
    ) -> Composed:
        notes = read_document(connection, "notes_states")
        head = {"links": make_links(request), "meta": make_meta(request, build.build_time, notes)}
        rows = bytes(read_document(connection, self.document))[1:-1]
        return Composed(wrap(head, [rows]))


class ChangesView(_DocumentView):
    """Additions and changes to the API."""

    document = "changes"

    @extend_schema(summary="List changes", responses=answers({200: envelope_of(DataChange)}))
    def get(self, request: Request) -> HttpResponseBase:
        """Answer announcements and every step of new, renamed and removed fields, latest first."""
        return self.answer(request)


class FieldsView(_DocumentView):
    """The fields."""

    document = "fields"

    @extend_schema(summary="List fields", responses=answers({200: envelope_of(PublishedField)}))
    def get(self, request: Request) -> HttpResponseBase:
        """Answer every field: long name, definition, unit, former names, what becomes of it."""
        return self.answer(request)


class StatesView(CovidView):
    """The states."""

    @extend_schema(summary="List states", responses=answers({200: envelope_of(STATE)}))
    def get(self, request: Request) -> HttpResponseBase:
        """Answer the states and their metadata."""
        return self.answer(request)

    def compose(
        self, connection: Connection, request: Request, build: BuildStatus, **named: Any
    ) -> Composed:
        """Return the metadata of every state."""
        notes = read_document(connection, "notes_states")
        head = {"links": make_links(request), "meta": make_meta(request, build.build_time, notes)}
        return Composed(wrap(head, [bytes(s.metadata) for s in read_states(connection)]))


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
        with reading() as connection:
            status = read_api_status(connection)
            notes = read_document(connection, "notes_states")
        body = {
            "links": make_links(request),
            "meta": make_meta(request, status.build_time, notes),
            "data": [status],
        }
        return answer_json(body, headers={"Cache-Control": "no-store"})


@contextmanager
def reading() -> Iterator[Connection]:
    """Give the service's connection in one snapshot; raise `Unavailable` where that fails."""
    try:
        with one_snapshot() as connection:
            yield connection
    except psycopg.Error as error:
        logger.warning("not answered", extra={"sqlstate": error.sqlstate})
        raise Unavailable("The data cannot be read, at least not now") from error
