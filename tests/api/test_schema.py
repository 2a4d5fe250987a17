"""GET /api/schema, /api/docs and /docs/errors."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from ingest.row_codes import ROW_CODES
from tests.api.sending import execute, send
from tests.api.tables import make_every_type_table
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def schema(client: Client) -> dict[str, Any]:
    make_every_type_table()
    execute('CREATE TABLE hiring."Odd Name/x" ("a b" integer)')
    answer = client.get("/api/schema")
    assert answer.status_code == 200
    return dict(answer.json())


def routes(patterns: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield every address under /api and the methods its view answers."""
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern) and address.startswith("api/"):
            view = pattern.callback.cls  # type: ignore[attr-defined]
            methods = METHODS & set(dir(view)) & set(view.http_method_names)
            yield "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", address), methods


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for operation in item.values():
            yield path, operation


def test_is_valid_openapi_3_1(schema: dict[str, Any]) -> None:
    assert schema["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(schema).iter_errors()] == []


def test_is_made_without_a_warning(schema: dict[str, Any]) -> None:
    assert not GENERATOR_STATS


def test_describes_every_address_and_method(schema: dict[str, Any]) -> None:
    described = {path: set(item) for path, item in schema["paths"].items()}
    expected = dict(routes(get_resolver().url_patterns))
    assert {path: described.get(path) for path in expected} == expected
    others = {path for path in described if path not in expected and path.startswith("/api/")}
    assert all(re.fullmatch(r"/api/(ingest|tables)/\w+\.[^{]+", path) for path in others)


def test_every_operation_has_an_id_a_summary_and_its_problems(schema: dict[str, Any]) -> None:
    found = list(operations(schema))
    assert len({one["operationId"] for _, one in found}) == len(found)
    for path, one in found:
        assert one["summary"], path
        is_open = "security" not in one
        assert not is_open or path in {"/api/schema", "/api/docs"} or not path.startswith("/api/")
        if path == "/open311/api":
            continue  # the published standard has its own shape of errors
        problems = {
            status: answer["content"]["application/problem+json"]
            for status, answer in one["responses"].items()
            if "application/problem+json" in answer.get("content", {})
        }
        assert {"503"} <= set(problems) if is_open else {"401", "403", "503"} <= set(problems)


def test_each_table_has_paths_whose_example_can_be_sent(
    schema: dict[str, Any], hiring: Client
) -> None:
    for table in ("departments", "employees", "every_type"):
        operation = schema["paths"][f"/api/ingest/hiring.{table}"]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        rows = content["examples"]["rows"]["value"]
        row = schema["components"]["schemas"][f"hiring.{table}"]
        for each in rows:
            Draft202012Validator(row).validate(each)
        if table == "employees":
            execute("INSERT INTO hiring.jobs VALUES (1, 'Clerk')")
        answer = send(hiring, table, rows, "?on_conflict=update")
        assert answer.status_code == 201, answer.content
    assert "/api/ingest/hiring.Odd%20Name%2Fx" in schema["paths"]


def test_each_table_s_columns_are_parameters_of_its_rows(schema: dict[str, Any]) -> None:
    operation = schema["paths"]["/api/tables/hiring.employees/rows"]["get"]
    names = [one["name"] for one in operation["parameters"]]
    assert {"employee_id", "hire_date", "order", "cursor", "limit", "format"} <= set(names)
    assert "table" not in names


def test_the_answers_are_as_described(schema: dict[str, Any], hiring: Client) -> None:
    query = "?return=keys&extra=ignore"
    receipt = send(hiring, "employees", [{"employee_id": "x"}], query).json()
    rejection = hiring.get("/api/rejections").json()["results"][0]
    answers = {
        "Receipt": receipt,
        "BatchSummary": hiring.get("/api/batches").json()["results"][0],
        "RejectionSummary": rejection,
        "RejectionDetail": hiring.get(rejection["links"]["self"]).json(),
        "TableSummary": hiring.get("/api/tables").json()["results"][0],
        "TableDescription": hiring.get("/api/tables/employees").json(),
        "ReplaySummary": hiring.post(
            "/api/rejections/replay", "", content_type="application/json"
        ).json(),
        "Page": hiring.get("/api/batches?limit=1").json(),
        "Problem": hiring.get("/api/nothing").json(),
    }
    for name, answer in answers.items():
        described = {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}
        Draft202012Validator(described).validate(answer)
        assert set(answer) == set(schema["components"]["schemas"][name]["properties"])


def test_the_page_loads_nothing_from_elsewhere(database: None) -> None:
    page = Client().get("/api/docs")
    assert page.status_code == 200
    text = page.content.decode()
    sources = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', text)
    assert sources
    for source in sources:
        assert source.startswith(("/static/", "/api/docs?script=")), source
        assert Client().get(source).status_code == 200, source
    assert '"/api/schema"' in Client().get("/api/docs?script=").content.decode()


def test_every_code_has_a_place_on_the_error_page(schema: dict[str, Any], hiring: Client) -> None:
    page = Client().get("/docs/errors").content.decode()
    places = set(re.findall(r'<tr id="([^"]+)">', page))
    assert set(schema["components"]["examples"]) <= places
    assert {f"row-{code}" for code in ROW_CODES} <= places
    for answer in (
        hiring.get("/api/nothing"),
        hiring.put("/api/batches"),
        Client().get("/api/batches"),
        Client(headers={"Host": "elsewhere"}).get("/api/batches"),
    ):
        place = answer.json()["type"].removeprefix("/docs/errors#")
        assert place in places


def test_tables_that_are_not_public_are_described_to_who_may_use_them(api_key: KeyMaker) -> None:
    def described(**headers: str) -> set[str]:
        paths = Client(headers=headers).get("/api/schema").json()["paths"]
        return {path for path in paths if "hiring.jobs" in path}

    assert described() == set()
    assert "/api/tables/nyc311.service_requests/rows" in Client().get("/api/schema").json()["paths"]
    for scope, count in (("read", 2), ("ingest", 2), ("backup", 0)):
        assert len(described(Authorization=f"Api-Key {api_key(scope)}")) == count
