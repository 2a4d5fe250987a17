"""The headers that keep browsers safe: pages, data and errors have them all."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client, override_settings

from tests.api.sending import execute, send
from tests.api.tables import body_of
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")

PAGES = [
    *("/login/", "/reports/", "/docs/errors", "/api/docs", "/open311/", "/open311/oauth/login"),
    *("/admin/login/", "/reports/nothing/"),
]
DATA = [
    *("/api/tables/jobs", "/api/tables/jobs/rows", "/api/rejections", "/api/reports"),
    *("/api/tables/jobs/rows?format=csv", "/api/tables/jobs/rows?format=ndjson"),
    *("/api/schema", "/healthz", "/readyz", "/internal/metrics", "/covid/v2/status"),
    "/open311/api?method=open311.services.getList",
]


def check_headers(headers: Any, *, is_page: bool) -> None:
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert is_page or policy == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("address", PAGES)
def test_pages_run_nothing_inline(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.headers["Content-Type"].startswith("text/html")
    check_headers(answer.headers, is_page=True)


@pytest.mark.parametrize("address", DATA)
def test_data_loads_nothing_and_stands_in_no_frame(client: Client, address: str) -> None:
    execute("INSERT INTO hiring.jobs VALUES (1, 'Clerk')")
    answer = client.get(address)
    assert (answer.status_code, bool(body_of(answer))) == (200, True)
    check_headers(answer.headers, is_page=False)


def test_receipts_have_the_headers(client: Client) -> None:
    good, bad = {"job_id": 1, "job_name": "Clerk"}, {"job_id": "<script>"}
    for rows, status in (([good], 201), ([good | {"job_id": 2}, bad], 207), ([bad], 422)):
        answer = send(client, "jobs", rows)
        assert answer.status_code == status
        check_headers(answer.headers, is_page=False)


@pytest.mark.parametrize(
    ("method", "address", "headers", "status"),
    [
        ("GET", "/api/batches", {"Authorization": ""}, 401),
        ("GET", "/api/batches", {"Host": "elsewhere.example"}, 400),
        ("GET", "/api/batches?since=<script>", {}, 400),
        ("GET", "/api/tables/<script>", {}, 404),
        ("GET", "/<script>", {}, 404),
        ("PUT", "/api/batches", {}, 405),
        ("POST", "/api/ingest/jobs", {"Content-Type": "text/plain"}, 415),
        ("GET", "/open311/api?method=<script>", {}, 404),
        ("GET", "/covid/v2/state/<script>", {}, 404),
        ("POST", "/mds/metrics", {"Content-Type": "application/json"}, 400),
    ],
)
def test_errors_have_the_headers(
    client: Client, method: str, address: str, headers: dict[str, str], status: int
) -> None:
    answer = client.generic(method, address, "{", headers=headers)
    assert answer.status_code == status
    assert "html" not in answer.headers["Content-Type"]
    check_headers(answer.headers, is_page=False)


@pytest.mark.parametrize(("place", "status"), [("plainly", 500), ("view", 503)])
def test_failures_have_the_headers(place: str, status: int) -> None:
    client = Client(raise_request_exception=False)
    with override_settings(ROOT_URLCONF="tests.integration.failing_urls"):
        answer = client.get(f"/fail/{place}", {"value": "x"})
    assert answer.status_code == status
    check_headers(answer.headers, is_page=False)


def test_what_is_refused_before_django_sees_it_has_the_headers(
    server: str, api_key: KeyMaker
) -> None:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=60)
    length = str(settings.CONFIG.ingest.max_bytes + 1)
    connection.putrequest("POST", "/api/ingest/jobs")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    check_headers(answer.headers, is_page=False)
    connection.close()
