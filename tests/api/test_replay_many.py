"""POST /api/rejections/replay: many at once."""

from dataclasses import replace

import pytest
from django.test import Client

from ingest.models import Rejection
from tests.api.replaying import add_job, bulk, employees, reject, state_of
from tests.api.sending import execute, stored
from tests.api.tables import employee

pytestmark = pytest.mark.usefixtures("database")


def test_replays_all_that_match_and_says_what_became_of_them(hiring: Client) -> None:
    fixed = reject(hiring, employee(1, job_id=8), employee(2, job_id=8))
    (still_bad,) = reject(hiring, employee(3, job_id=9))
    (other,) = reject(hiring, {"job_id": "x", "job_name": "y"}, table="jobs")
    (cut,) = reject(hiring, employee(4, job_id=9))
    Rejection.objects.filter(pk=cut).update(raw_bytes=1_000_000)
    add_job(hiring, 8)
    answer = bulk(hiring, "?table=employees")
    summary = answer.json()
    (batch,) = summary.pop("batches")
    (again,) = summary.pop("rejections")
    assert (again["id"], again["index"]) == (still_bad, 0)
    assert [error["code"] for error in again["errors"]] == ["fk_violation"]
    assert stored(f"SELECT batch_id::text FROM service.rejection WHERE id = {still_bad:d}") == [
        (again["batch"],)
    ]
    assert (answer.status_code, summary) == (
        200,
        {
            "matched": 4,
            "replayed": 2,
            "rejected": 1,
            "skipped": {"raw_truncated": 1},
            "remaining": 0,
            "next": None,
        },
    )
    assert batch == {
        "batch": batch["batch"],
        "table": "hiring.employees",
        "received": 3,
        "inserted": 2,
        "updated": 0,
        "ignored": 0,
        "rejected": 1,
    }
    assert employees() == [(1, 8), (2, 8)]
    assert [str(state_of(one)[1]) for one in fixed] == [batch["batch"]] * 2
    assert [state_of(one)[0] for one in (still_bad, other, cut)] == ["open"] * 3
    assert Rejection.objects.count() == 5


def test_makes_a_batch_for_each_table(hiring: Client) -> None:
    reject(hiring, employee(1, job_id=8))
    reject(hiring, {"department_id": 1, "department_name": "Again"}, table="departments")
    add_job(hiring, 8)
    summary = bulk(hiring).json()
    assert [one["table"] for one in summary["batches"]] == [
        "hiring.employees",
        "hiring.departments",
    ]
    assert (summary["replayed"], summary["rejected"]) == (1, 1)


def test_what_a_call_does_not_get_to_is_next(
    hiring: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.rejections import replay as module
    from ingest.writing.tables import exposed_tables

    monkeypatch.setattr(module, "BATCHES_PER_CALL", 2)
    limits = exposed_tables().limits
    small = replace(limits, max_rows=2)
    reject(hiring, *[employee(number, job_id=8) for number in range(5)])
    monkeypatch.setattr(exposed_tables(), "limits", small)
    add_job(hiring, 8)
    summary = bulk(hiring, "?table=employees").json()
    assert (summary["replayed"], summary["remaining"], len(summary["batches"])) == (4, 1, 2)
    rest = bulk(hiring, "?" + summary["next"].partition("?")[2]).json()
    assert (rest["replayed"], rest["remaining"], rest["next"]) == (1, 0, None)
    assert len(employees()) == 5


def test_a_table_that_is_gone_is_skipped(hiring: Client) -> None:
    execute("CREATE TABLE hiring.gone (id integer PRIMARY KEY)")
    reject(hiring, {"id": "x"}, {"id": "y"}, table="gone")
    execute("DROP TABLE hiring.gone")
    assert bulk(hiring).json()["skipped"] == {"table_unknown": 2}


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ("?after=x", "", "bad_parameter"),
        ("?limit=5", "", "bad_parameter"),
        ("?state=discarded", "", "bad_parameter"),
        ("", "[1]", "bad_shape"),
    ],
)
def test_refuses_what_it_does_not_understand(
    client: Client, query: str, body: str, code: str
) -> None:
    answer = client.post(f"/api/rejections/replay{query}", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
