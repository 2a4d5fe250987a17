"""What /open311/api answers where something is wrong: its own shape, the right status."""

from typing import Any

import pytest
from django.test import Client

from apis.open311.methods import METHODS
from apis.open311.specification import read_specification
from tests.api.open311 import call, load_city, make_token
from tests.conftest import Publish

pytestmark = pytest.mark.usefixtures("database")

SEARCH = "incidents.search"


def refusal(answer: Any) -> tuple[int, str]:
    document = answer.json()
    assert set(document) == {"error"}
    assert document["error"]["message"]
    return answer.status_code, document["error"]["code"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "method_missing"),
        ("method=", 400, "method_missing"),
        ("method=open311.nothing.getList", 404, "method_unknown"),
        ("method=OPEN311.SERVICES.GETLIST", 404, "method_unknown"),
        ("method=open311.services.getInfo", 400, "parameter_missing"),
        ("method=open311.services.getInfo&service_id=", 400, "parameter_missing"),
        ("method=open311.services.getInfo&service_id=x", 400, "parameter_invalid"),
        ("method=open311.services.getInfo&service_id=99999999999999999999", 400, None),
        ("method=open311.services.getInfo&service_id=7", 404, "service_unknown"),
        ("method=open311.incidents.getInfo&incident_id=7", 404, "incident_unknown"),
        ("method=open311.incidents.getHistory&incident_id=7", 404, "incident_unknown"),
        ("method=open311.incidents.search", 400, "criterion_missing"),
        ("method=open311.incidents.search&page=1", 400, "criterion_missing"),
        ("method=open311.incidents.search&created=soon", 400, "parameter_invalid"),
        ("method=open311.incidents.search&created=2010&created=2011", 400, "parameter_invalid"),
        ("method=open311.incidents.search&service_id=1,,2", 400, "parameter_invalid"),
        ("method=open311.incidents.search&service_id=-1", 400, "parameter_invalid"),
        ("method=open311.incidents.search&where=94612", 400, "parameter_invalid"),
        ("method=open311.incidents.search&where=moon:1", 400, "parameter_invalid"),
        ("method=open311.incidents.search&where=zip:%00", 400, "parameter_invalid"),
        ("method=open311.incidents.search&where=zip:%FF", 400, "body_invalid"),
        ("method=open311.incidents.search&where=bbox:1,2,3", 400, "parameter_invalid"),
        ("method=open311.incidents.search&creatd=2010", 400, "parameter_unknown"),
        ("method=open311.services.getList&page=0", 400, "parameter_invalid"),
        ("method=open311.services.getList&page=-1", 400, "parameter_invalid"),
        ("method=open311.services.getList&page=99999999999", 400, "parameter_invalid"),
        ("method=open311.services.getList&page=1000000", 400, "parameter_invalid"),
        ("method=open311.services.getList&per_page=1001", 400, "parameter_invalid"),
        ("method=open311.services.getList&per_page=%D9%A3", 400, "parameter_invalid"),
        ("method=open311.services.getList&format=xml", 400, "parameter_invalid"),
        ("method=open311.services.getInfo&service_id=1&format=csv", 400, "parameter_invalid"),
        ("method=open311.incidents.report", 405, "verb_not_allowed"),
        (
            "&".join(["method=open311.services.getList", *(f"p{n}=1" for n in range(200))]),
            400,
            None,
        ),
    ],
)
def test_says_what_is_wrong(client: Client, query: str, status: int, code: str | None) -> None:
    load_city(client)
    answer = Client().get(f"/open311/api?{query}")
    seen_status, seen_code = refusal(answer)
    assert seen_status == status
    assert seen_code == (code or seen_code)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_method_is_called_with_its_own_verb(verb: str) -> None:
    answer = Client().generic(verb, "/open311/api?method=open311.services.getList")
    assert refusal(answer) == (405, "verb_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_an_empty_chunked_body_is_no_body() -> None:
    address = "/open311/api?method=open311.services.getList"
    answer = Client().generic("POST", address, headers={"Transfer-Encoding": "chunked"})
    assert refusal(answer) == (405, "verb_not_allowed")


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("{", "application/json", "body_invalid"),
        ("[1]", "application/json", "body_invalid"),
        ("{}", "text/plain", "body_invalid"),
        ("a=é", "application/x-www-form-urlencoded", "body_invalid"),
        ("method=open311.incidents.report", "application/x-www-form-urlencoded", None),
        ('{"incident_id": {}, "note": [1], "public": {}}', "application/json", None),
        ("x" * 300_000, "application/json", "too_large"),
    ],
)
def test_a_body_that_is_no_set_of_parameters_is_refused(
    body: str, content_type: str, code: str | None
) -> None:
    answer = Client().post(
        "/open311/api?method=open311.incidents.addNote",
        body,
        content_type=content_type,
        headers={"Authorization": f"Bearer {make_token('open311.note')}"},
    )
    status, seen = refusal(answer)
    assert 400 <= status < 500
    assert seen == (code or "parameter_invalid")


def test_reads_that_are_not_public_need_a_key_or_a_token(api_key: Any, publish: Publish) -> None:
    publish(open311=False)
    assert refusal(call("services.getList")) == (401, "key_required")
    allowed = [
        f"Api-Key {api_key('read')}",
        f"Bearer {make_token('open311.report')}",
    ]
    for header in allowed:
        answer = Client().get(
            "/open311/api",
            {"method": "open311.services.getList"},
            headers={"Authorization": header},
        )
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, max-age=0"
    for header, seen in (
        (f"Api-Key {api_key('ingest')}", (403, "scope_missing")),
        ("Api-Key x.y", (401, "key_invalid")),
        ("Bearer x", (401, "token_invalid")),
    ):
        answer = Client().get(
            "/open311/api",
            {"method": "open311.services.getList"},
            headers={"Authorization": header},
        )
        assert refusal(answer) == seen


def test_a_bad_token_is_refused_also_where_none_is_needed() -> None:
    answer = Client().get(
        "/open311/api",
        {"method": "open311.incidents.search", "created": "2010"},
        headers={"Authorization": "Bearer gone"},
    )
    assert refusal(answer) == (401, "token_invalid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_specification_and_the_program_name_the_same_methods() -> None:
    specification = read_specification()
    assert specification.methods.keys() == METHODS.keys()
    for method in specification.methods.values():
        assert method.example
        assert {each.name for each in method.parameters} >= set(method.needs_one_of)
        if method.paginated:
            assert method.list is not None
            assert method.list in method.example
