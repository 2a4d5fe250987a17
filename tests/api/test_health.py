"""GET /healthz, /readyz and /internal/metrics."""

import re

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.api.sending import send
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")


def test_the_process_is_alive() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_the_service_is_ready_with_its_database_and_migrations() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok"},
    }


def test_it_is_not_ready_while_a_migration_is_missing() -> None:
    migrations = MigrationRecorder(connection).migration_qs.filter(app="ingest")
    last = migrations.order_by("-name")[0]
    last.delete()
    try:
        answer = Client().get("/readyz")
    finally:
        last.save(force_insert=True)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "not_ready"
    assert problem["checks"] == {"database": "ok", "migrations": "1 not applied"}


def test_it_is_not_ready_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", "1")
        answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "does not answer", "migrations": "unknown"}


def test_it_is_not_ready_while_the_database_is_read_only() -> None:
    with transaction.atomic(using="ingest"), connections["ingest"].cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "is read-only", "migrations": "ok"}
    assert Client().get("/readyz").status_code == 200


def test_metrics_tell_requests_rows_and_rejections(client: Client) -> None:
    before = read_metrics()
    rows = [{"department_id": 1, "department_name": "A"}, {"department_id": 1}]
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        assert send(client, "departments", rows, **headers).status_code == 207
    after = read_metrics()
    route = 'route="api/ingest/<path:table>"'
    told = {name: value - before.get(name, 0) for name, value in after.items()}
    assert told[f'rowhouse_requests_total{{method="POST",{route},status="207"}}'] == 2
    assert told[f'rowhouse_request_seconds_count{{method="POST",{route}}}'] == 2
    table = 'table="hiring.departments"'
    assert told[f'rowhouse_rows_total{{outcome="inserted",{table}}}'] == 1
    assert told[f'rowhouse_rows_total{{outcome="rejected",{table}}}'] == 1
    assert told['rowhouse_rejection_errors_total{code="required_missing"}'] == 1


def test_metrics_need_a_key_from_elsewhere(api_key: KeyMaker) -> None:
    address = "/internal/metrics"
    assert Client(REMOTE_ADDR="10.0.0.1").get(address).status_code == 401
    assert Client(REMOTE_ADDR="not an address").get(address).status_code == 401
    assert Client(headers={"X-Forwarded-For": "10.0.0.1"}).get(address).status_code == 401
    for scope, status in [("read", 200), ("ingest", 401)]:
        headers = {"Authorization": f"Api-Key {api_key(scope)}"}
        answer = Client(headers=headers).get(address, REMOTE_ADDR="10.0.0.1")
        assert answer.status_code == status


def read_metrics() -> dict[str, float]:
    text = Client().get("/internal/metrics").content.decode()
    found = {}
    for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        ordered = ",".join(sorted(re.findall(r'\w+=".*?"', labels)))
        found[f"{name}{{{ordered}}}"] = float(value)
    return found
