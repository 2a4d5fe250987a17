"""The specification is one file, and what it says is what the API does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apis.open311 import specification
from apis.open311.specification import read_specification
from tests.api.open311 import call, load_city

pytestmark = pytest.mark.usefixtures("database")

Change = Callable[..., None]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Change]:
    """Return a function that changes a method's fields in a copy of the file, which then counts."""
    copy = tmp_path / "specification.json"
    copy.write_bytes(specification.FILE.read_bytes())
    monkeypatch.setattr(specification, "FILE", copy)

    def change_method(name: str, **fields: Any) -> None:
        document = json.loads(copy.read_text(encoding="utf-8"))
        document["methods"][f"open311.{name}"] |= fields
        copy.write_text(json.dumps(document), encoding="utf-8")
        read_specification.cache_clear()

    yield change_method
    read_specification.cache_clear()


def shown() -> list[str]:
    """Return what is shown of the methods: by the API, on the page and as OpenAPI."""
    documents = [
        call("api.getMethods"),
        Client().get("/open311/"),
        Client().get("/open311/openapi.json"),
    ]
    return [document.content.decode() for document in documents]


def test_a_method_that_is_not_enabled_does_not_exist(change: Change) -> None:
    assert all("open311.where.getList" in text for text in shown())
    change("where.getList", enabled=0)
    answer = call("where.getList")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "method_unknown")
    assert not any('"open311.where.getList"' in text for text in shown())


def test_a_method_that_is_not_documented_works_and_is_not_shown(change: Change) -> None:
    change("statuses.getList", documented=0)
    assert call("statuses.getList").status_code == 200
    assert not any('"open311.statuses.getList"' in text for text in shown())


def test_a_method_s_verb_parameters_and_name_of_its_list_are_the_file_s(
    change: Change, client: Client
) -> None:
    load_city(client)
    town = {"name": "incident_id", "type": "ids", "description": "Some.", "required": 1}
    change("incidents.search", parameters=[town], aliases=["open311.incidents.list"])
    answer = call("incidents.list", incident_id="23")
    assert [each["id"] for each in answer.json()["incidents"]] == [23]
    missing, unknown = call("incidents.search"), call("incidents.search", created="2010")
    assert missing.json()["error"]["code"] == "parameter_missing"
    assert unknown.json()["error"]["code"] == "parameter_unknown"
    change("incidents.search", method="POST")
    assert call("incidents.search", incident_id="23").status_code == 405


def test_a_method_that_needs_a_token_says_so(change: Change) -> None:
    change("services.getList", requires_auth=1)
    answer = call("services.getList")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_required")
