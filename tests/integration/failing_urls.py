"""Addresses of views that fail with a value of a row in their message."""

from typing import Any

import psycopg
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.views import APIView

from project.base.database import writer_connection

handler400 = "project.http.problems.bad_request"
handler404 = "project.http.problems.not_found"
handler500 = "project.http.problems.server_error"


def fail_plainly(request: HttpRequest) -> HttpResponse:
    raise ValueError(request.GET["value"])


def fail_in_sql(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", [request.GET["value"]])
    raise AssertionError


def fail_in_raw_sql(request: HttpRequest) -> HttpResponse:
    try:
        writer_connection().execute("SELECT %s::inet", [request.GET["value"]])
    except psycopg.Error as error:
        raise RuntimeError(request.GET["value"]) from error
    raise AssertionError


class FailingView(APIView):
    """Fails as a view of Django REST framework may."""

    scopes: dict[str, Any] = {"GET": None}

    def get(self, request: Request) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::timestamptz", [request.GET["value"]])
        raise AssertionError


urlpatterns = [
    path("fail/plainly", fail_plainly),
    path("fail/sql", fail_in_sql),
    path("fail/raw-sql", fail_in_raw_sql),
    path("fail/view", FailingView.as_view()),
    path("", include("project.urls")),
]
