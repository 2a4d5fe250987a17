"""GET /api/batches and /api/batches/{id}."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from ingest.models import Batch
from tests.api.sending import send
from tests.api.tables import employee

pytestmark = pytest.mark.usefixtures("database")


def batches(client: Client, **query: Any) -> list[Any]:
    answer = client.get("/api/batches", query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_lists_batches_newest_first_without_their_rejections(hiring: Client) -> None:
    receipt = send(hiring, "employees", [employee(1), employee(2, job_id=8)]).json()
    answer = hiring.get("/api/batches").json()
    newest = answer["results"][0]
    stored = Batch.objects.get(pk=receipt["batch"])
    assert (answer["next"], answer["previous"]) == (None, None)
    assert newest == {
        "batch": receipt["batch"],
        "table": "hiring.employees",
        "created_at": stored.created_at.isoformat().replace("+00:00", "Z"),
        "key_prefix": stored.key_prefix,
        "format": "json",
        "on_conflict": "reject",
        "atomic": False,
        "dry_run": False,
        "received": 2,
        "inserted": 1,
        "updated": 0,
        "ignored": 0,
        "rejected": 1,
        "duration_ms": receipt["duration_ms"],
        "url": f"/api/batches/{receipt['batch']}",
    }
    assert [one["table"] for one in answer["results"]] == [
        "hiring.employees",
        "hiring.jobs",
        "hiring.departments",
    ]


def test_pages_lead_forth_and_back_to_the_same_batches(hiring: Client) -> None:
    for number in range(5):
        send(hiring, "employees", [employee(number)])
    everything = [one["batch"] for one in batches(hiring)]
    first = hiring.get("/api/batches?limit=3").json()
    second = hiring.get(first["next"]).json()
    third = hiring.get(second["next"]).json()
    pages = [[one["batch"] for one in page["results"]] for page in (first, second, third)]
    assert pages == [everything[:3], everything[3:6], everything[6:]]
    assert (first["previous"], third["next"]) == (None, None)
    back = hiring.get(third["previous"]).json()
    assert [one["batch"] for one in back["results"]] == pages[1]
    again = hiring.get(back["previous"]).json()
    assert ([one["batch"] for one in again["results"]], again["previous"]) == (pages[0], None)
    send(hiring, "employees", [employee(9)])
    assert hiring.get(first["next"]).json()["results"] == second["results"]


def found(client: Client, **query: Any) -> list[str]:
    return [one["batch"] for one in batches(client, **query)]


def test_filters_are_combined(hiring: Client) -> None:
    clean = send(hiring, "employees", [employee(1)]).json()["batch"]
    bad = send(hiring, "employees", [employee(2, job_id=8)]).json()["batch"]
    trial = send(hiring, "employees", [employee(3)], "?dry_run=true").json()["batch"]
    assert found(hiring, table="employees") == [trial, bad, clean]
    assert found(hiring, table="hiring.employees", rejected="true") == [bad]
    assert found(hiring, table="employees", rejected="false", dry_run="false") == [clean]
    assert found(hiring, table="employees", dry_run="true") == [trial]
    assert found(hiring, table="nothing") == []
    assert found(hiring, sent_as="csv") == []


def test_since_includes_and_until_excludes_the_moment(hiring: Client) -> None:
    ids = [send(hiring, "employees", [employee(n)]).json()["batch"] for n in range(3)]
    moment = Batch.objects.get(pk=ids[1]).created_at.isoformat()
    assert found(hiring, table="employees", since=moment) == [ids[2], ids[1]]
    assert found(hiring, table="employees", until=moment) == [ids[0]]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"since": "2021-01-01"}, "since"),
        ({"until": "yesterday"}, "until"),
        ({"rejected": "1"}, "rejected"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"tabel": "employees"}, "tabel"),
        ({"table": "a\0b"}, "table"),
    ],
)
def test_refuses_a_bad_parameter(client: Client, query: dict[str, str], parameter: str) -> None:
    answer = client.get("/api/batches", query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["parameter"]) == ("bad_parameter", parameter)


def test_refuses_a_cursor_that_was_changed_or_made_for_another_list(hiring: Client) -> None:
    link = hiring.get("/api/batches?limit=1").json()["next"]
    cursor = link.partition("cursor=")[2]
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for address in (f"/api/batches?cursor={changed}", f"/api/rejections?cursor={cursor}"):
        assert hiring.get(address).json()["code"] == "bad_parameter"


def test_an_unknown_batch_is_404(client: Client) -> None:
    for name in ("nothing", "0190f2c4-7e5a-7c3e-9d7b-2f6a1c0b4e11"):
        answer = client.get(f"/api/batches/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "batch_unknown")


def test_needs_the_scope_read(api_key: Any) -> None:
    for scope, status in {"read": 200, "ingest": 403, "admin": 200}.items():
        client = Client(headers={"Authorization": f"Api-Key {api_key(scope)}"})
        assert client.get("/api/batches").status_code == status
    assert Client().get("/api/batches").status_code == 401


def test_links_keep_the_filters(hiring: Client) -> None:
    for number in range(3):
        send(hiring, "employees", [employee(number)])
    link = hiring.get("/api/batches?table=employees&limit=2").json()["next"]
    assert urlencode({"table": "employees", "limit": 2}) in link
    assert len(hiring.get(link).json()["results"]) == 1
