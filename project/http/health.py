"""Liveness, readiness and metrics: for probes and Prometheus."""

from functools import cache
from ipaddress import ip_address
from typing import cast

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.request import Request
from rest_framework.views import APIView

from project.base.metrics import write_metrics
from project.http.answers import answer_json
from project.http.errors import KeyInvalid, KeyRequired, NotReady, TooManyRequests
from project.http.openapi import Errors, answers
from project.models import ApiKey, Scope

_ALIVE = {"type": "object", "properties": {"status": {"const": "alive"}}, "required": ["status"]}
_READY = {
    "type": "object",
    "properties": {
        "status": {"const": "ready"},
        "checks": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["status", "checks"],
}


class AliveView(APIView):
    """GET /healthz: this process answers; the database is not asked."""

    scopes = {"GET": None}
    authentication_classes = ()

    @extend_schema(summary="Is this process alive", responses=answers({200: _ALIVE}))
    def get(self, request: Request) -> HttpResponse:
        """Answer 200 while the process answers; the database is not asked."""
        return answer_json({"status": "alive"})


class ReadyView(APIView):
    """GET /readyz: the database answers, can be written to and has every migration."""

    scopes = {"GET": None}
    errors: Errors = {"GET": [NotReady]}
    authentication_classes = ()

    @extend_schema(summary="Is the service ready", responses=answers({200: _READY}))
    def get(self, request: Request) -> HttpResponse:
        """Answer 200, or 503 with what is missing."""
        checks = check_readiness()
        if any(answer != "ok" for answer in checks.values()):
            raise NotReady(checks=checks)
        return answer_json({"status": "ready", "checks": checks})


class MetricsView(APIView):
    """GET /internal/metrics: for a Prometheus on this machine, or one with a key."""

    scopes = {"GET": None}
    errors: Errors = {"GET": [KeyRequired, KeyInvalid, TooManyRequests]}

    @extend_schema(
        summary="Get metrics for Prometheus",
        responses=answers({(200, "text/plain"): {"type": "string"}}),
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer Prometheus's text format; from another machine with a key of the scope read."""
        key = cast("ApiKey | None", request.auth)
        if not (_is_local(request) or (key and key.may(Scope.READ))):
            raise KeyRequired("From another machine this needs a key with the scope read")
        collectors = [import_string(path)() for path in settings.METRICS_COLLECTORS]
        text = write_metrics(collectors, all_processes=settings.METRICS_ARE_SHARED)
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def check_readiness() -> dict[str, str]:
    """Return "ok", or in words what is wrong, for each thing the service needs."""
    try:
        applied = MigrationRecorder(connection).applied_migrations()
        missing = len(_last_migrations() - applied.keys())
        # Through Django's cursor, which finds out that a connection was lost and opens another.
        with connections["ingest"].cursor() as cursor:
            # Of a standby, and where a default of the database or role says so.
            cursor.execute("SELECT current_setting('transaction_read_only') = 'on'")
            (is_read_only,) = cursor.fetchone()
    except DatabaseError:
        return {"database": "does not answer", "migrations": "unknown"}
    database = "is read-only" if is_read_only else "ok"
    return {"database": database, "migrations": f"{missing} not applied" if missing else "ok"}


@cache
def _last_migrations() -> set[tuple[str, str]]:
    """Return the last migration of each app: those before it are applied with it."""
    return set(MigrationLoader(None).graph.leaf_nodes())


def _is_local(request: Request) -> bool:
    # A proxy on this machine speaks for others.
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
