"""Postman: our collection against a running service, and the OpenAPI description imported."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.integration.running import ROOT, Service
from tests.node import run_program

FOLDER = ROOT / "postman"
COLLECTION = FOLDER / "rowhouse.postman_collection.json"
ENVIRONMENT = FOLDER / "rowhouse.postman_environment.json"

PATIENCE_MS = 300_000


def requests(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the requests of a collection, whatever folders they are in."""
    for item in items:
        if "item" in item:
            yield from requests(item["item"])
        else:
            yield item


@pytest.fixture(scope="module")
def collection() -> dict[str, Any]:
    return dict(json.loads(COLLECTION.read_text()))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A new service of its own, as somebody would have who tries the collection."""
    service = Service(tmp_path)
    service.start("--web-only")
    yield service
    service.stop()


@pytest.mark.slow
def test_every_request_answers_what_it_promises(service: Service, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    done = run_program(
        "newman",
        *("run", COLLECTION, "--environment", ENVIRONMENT),
        *("--env-var", f"base_url={service.address}", "--env-var", f"api_key={service.key}"),
        *("--timeout", str(PATIENCE_MS), "--color", "off"),
        *("--reporters", "cli,json", "--reporter-json-export", results),
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    run = json.loads(results.read_text())["run"]
    assert run["failures"] == []
    assert run["stats"]["assertions"]["total"] >= len(run["executions"])


def test_each_request_checks_its_answer(collection: dict[str, Any]) -> None:
    schema = collection["info"]["schema"]
    assert schema.endswith("/collection/v2.1.0/collection.json")
    found = list(requests(collection["item"]))
    names = [one["name"] for one in found]
    assert len(set(names)) == len(names)
    for one in found:
        scripts = ["\n".join(event["script"]["exec"]) for event in one["event"]]
        assert any("pm.test(" in script for script in scripts), one["name"]


def test_begins_with_departments_jobs_and_employees(collection: dict[str, Any]) -> None:
    first = [one["request"] for one in requests(collection["item"])][:3]
    assert [(one["method"], one["url"]["raw"]) for one in first] == [
        ("POST", "{{base_url}}/api/ingest/departments"),
        ("POST", "{{base_url}}/api/ingest/jobs"),
        ("POST", "{{base_url}}/api/ingest/employees"),
    ]


@pytest.mark.parametrize(
    "group",
    [
        *("api/ingest", "api/rejections", "api/batches", "api/tables", "api/reports"),
        *("api/backups", "api/nyc311", "mds/metrics", "open311/api", "healthz", "readyz"),
        *("internal/metrics", "api/schema", "docs/errors"),
    ],
)
def test_asks_each_group_of_endpoints(collection: dict[str, Any], group: str) -> None:
    addresses = ["/".join(one["request"]["url"]["path"]) for one in requests(collection["item"])]
    assert any(address.startswith(group) for address in addresses)


def test_the_files_hold_no_key_and_no_other_address(collection: dict[str, Any]) -> None:
    environment = json.loads(ENVIRONMENT.read_text())
    values = {one["key"]: one for one in environment["values"]}
    assert values["api_key"] == {"key": "api_key", "value": "", "type": "secret", "enabled": True}
    assert {one["request"]["url"]["host"][0] for one in requests(collection["item"])} == {
        "{{base_url}}"
    }
    used = set(re.findall(r"\{\{(\w+)\}\}", COLLECTION.read_text()))
    known = {*values, *(one["key"] for one in collection["variable"])}
    assert used <= known


@pytest.fixture
def description(client: Client) -> dict[str, Any]:
    return dict(client.get("/api/schema").json())


def test_the_openapi_description_is_imported_whole(
    description: dict[str, Any], tmp_path: Path
) -> None:
    source, target = tmp_path / "openapi.json", tmp_path / "imported.json"
    source.write_text(json.dumps(description))
    done = run_program(
        "openapi2postmanv2",
        *("--spec", source, "--output", target),
        *("--options", "parametersResolution=Example,folderStrategy=Tags"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    imported = list(requests(json.loads(target.read_text())["item"]))
    operations = [one for item in description["paths"].values() for one in item.values()]
    assert len(imported) == len(operations)
    bodies = {one["name"]: one["request"].get("body", {}).get("raw") for one in imported}
    path = description["paths"]["/api/ingest/hiring.employees"]["post"]
    content = path["requestBody"]["content"]["application/json"]
    rows = content["examples"]["rows"]["value"]
    assert json.loads(bodies["Send rows to hiring.employees"]) == rows
