"""The specification beside the standard's own list of methods and example answers."""

import re
from typing import Any

import msgspec
import pytest
from django.conf import settings

from apis.open311.specification import read_specification
from tests.needs import need

DATA = settings.BASE_DIR.parent / "shared" / "data" / "open311"
METHODS = sorted(
    name
    for name in read_specification().methods
    # What the standard asks about, and what returns the specification: ours beside its own.
    if name not in {"open311.incidents.getHistory", "open311.api.getMethods"}
)


def read_standard(name: str) -> Any:
    """Return one of the standard's files; one has a comma after the last of a list."""
    need(DATA.exists(), f"the standard's files in {DATA} are not there")
    text = (DATA / name).read_text(encoding="utf-8")
    return msgspec.json.decode(re.sub(r",(\s*[\]}])", r"\1", text))


def test_has_every_method_of_the_standard() -> None:
    assert sorted(read_standard("api-methods.json")["methods"]) == METHODS


@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_what_the_standard_says(name: str) -> None:
    standard = read_standard("api-methods.json")["methods"][name]
    ours = read_specification().methods[name]
    assert (ours.enabled, ours.documented) == (1, 1)
    assert ours.method == standard["method"]
    assert ours.requires_auth == standard["requires_auth"]
    assert ours.paginated == standard.get("paginated", 0)
    required = {each["name"]: each["required"] for each in standard.get("parameters", ())}
    seen = {each.name: each.required for each in ours.parameters}
    assert {name: seen.get(name) for name in required} == required
    assert not any(seen[name] for name in seen.keys() - required)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("open311.services.getList", "open311.services.getList"),
        ("open311.services.getInfo", "open311.services.getInfo"),
        ("open311.statuses.getList", "open311.incidents.getStatuses"),
        ("open311.incidents.report", "open311.incidents.report"),
        ("open311.incidents.getInfo", "open311.incidents.getInfo"),
        ("open311.incidents.search", "open311.incidents.search"),
        ("open311.where.getList", "open311.where.getList"),
    ],
)
def test_an_example_has_all_that_the_standard_s_example_has(name: str, file: str) -> None:
    standard, ours = read_standard(f"{file}.json"), read_specification().methods[name].example
    assert standard.keys() <= ours.keys()
    for key, expected in standard.items():
        for item, example in zip(_items(expected), _items(ours[key]), strict=False):
            # The text of the standard (api.md, "Incidents") calls it created.
            assert item.keys() - {"reported"} <= example.keys()


def _items(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]
