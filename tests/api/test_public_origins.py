"""Pages of any origin may read public data (CORS), and nothing else."""

import pytest
from django.test import Client

from tests.conftest import Publish

pytestmark = pytest.mark.usefixtures("database")

PREFLIGHT = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}
PUBLIC = [
    ("/api/tables", 200),
    ("/api/tables/nyc311.service_requests", 200),
    ("/api/tables/service_requests/rows?format=csv", 200),
    ("/api/tables/nyc311.service_requests/rows?limit=x", 400),
    ("/api/tables/nyc311.nothing", 404),
    ("/api/reports", 200),
    ("/reports/closure_trend.csv", 404),
    ("/api/reports/closure_trend?format=csv", 404),
    ("/api/nyc311/closure?group_by=x", 400),
    ("/mds/metrics", 200),
    ("/covid/v2/us", 404),
    ("/covid/v2/status", 200),
]


@pytest.mark.parametrize(("address", "status"), PUBLIC)
def test_answers_of_public_addresses_may_be_read_by_any_origin(address: str, status: int) -> None:
    answer = Client().get(address, headers={"Origin": "https://page.example"})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    asked = Client().options(address, headers=PREFLIGHT)
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in asked.headers["Access-Control-Allow-Methods"]
    assert "If-None-Match" in asked.headers["Access-Control-Allow-Headers"]


def test_a_query_of_metrics_may_be_sent_from_any_origin() -> None:
    asked = Client().options("/mds/metrics", headers=PREFLIGHT)
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    answer = Client().post("/mds/metrics", b"[", content_type="application/json")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (400, "*")


@pytest.mark.parametrize(
    "address",
    [
        "/api/tables/hiring.jobs",
        "/api/tables/jobs/rows",
        "/reports/hires_by_quarter.csv",
        "/api/batches",
        "/internal/metrics",
        "/healthz",
        "/",
        "/api/nothing",
    ],
)
def test_other_answers_are_for_their_own_origin(client: Client, address: str) -> None:
    for answer in (client.get(address), client.options(address, headers=PREFLIGHT)):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_what_is_public_no_more_is_for_its_own_origin(publish: Publish) -> None:
    publish(covid=False)
    answer = Client().get("/covid/v2/status")
    assert answer.status_code == 401
    assert "Access-Control-Allow-Origin" not in answer.headers
