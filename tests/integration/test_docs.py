"""The documentation: what it names exists, and what exists is named in it."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from project.base.config import read_config
from tests.integration.running import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DEPLOY = ROOT / "project" / "deploy"

# The rooms: every package at the top, but for the datasets, to which everybody adds.
ROOMS = sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - {"db_setup"})

# Where an address begins: after the service's own host, or where no file's path goes on.
BEFORE = r"(?:(?<=127\.0\.0\.1:8000)|(?<![\w.\-/}>]))"
AFTER = r"(?:/[^\s`\"'|)<>\\]*)?(?![\w-])"


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    return {page: page.read_text() for page in PAGES}


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Yield every address of ours as a pattern."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        elif pattern.app_name != "admin":
            yield from routes(pattern.url_patterns, route)


def addresses(text: str) -> Iterator[str]:
    """Yield the service's addresses in a text, without queries; those cut short end with `…`."""
    first = {re.escape(route.split("/")[0]) for route in known_routes() if route}
    for found in re.findall(f"{BEFORE}(/(?:{'|'.join(sorted(first))}){AFTER})", text):
        address = re.sub(r"[?\[&#].*", "", found)
        yield re.sub(r"\{(\w+)\}", r"\1", address).rstrip(".,:;")


@cache
def known_routes() -> tuple[str, ...]:
    return tuple(routes(get_resolver().url_patterns))


def anchors(text: str) -> set[str]:
    """Return the anchors that a page's headings are given."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path, texts: dict[Path, str]) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", texts[page]):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_addresses_are_served(page: Path, texts: dict[Path, str]) -> None:
    for address in addresses(texts[page]):
        if address.endswith("…"):
            assert any(f"/{one}".startswith(address[:-1]) for one in known_routes()), address
            continue
        try:
            resolve(address)
        except Resolver404:
            pytest.fail(f"{address} is not served")


def test_every_address_is_on_some_page(texts: dict[Path, str]) -> None:
    said = {address for text in texts.values() for address in addresses(text)}
    whole = {resolve(one).route for one in said if not one.endswith("…")}
    begun = tuple(one[1:-1] for one in said if one.endswith("…"))
    missing = [
        route
        for route in known_routes()
        if route and route not in whole and not route.startswith(begun)
    ]
    assert missing == []


def test_the_index_has_every_page(texts: dict[Path, str]) -> None:
    index = texts[ROOT / "docs" / "README.md"]
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_of_every_room_exist(page: Path, texts: dict[Path, str]) -> None:
    for file in re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w./-]*)", texts[page]):
        assert (ROOT / file).exists(), file


def test_commands_exist_and_ours_are_documented(texts: dict[Path, str]) -> None:
    said = {
        command
        for text in texts.values()
        for command in re.findall(r"manage\.py ([a-z][a-z_]+)", text)
    }
    known = get_commands()
    assert said - known.keys() == set()
    ours = {command for command, app in known.items() if app.partition(".")[0] in ROOMS}
    assert ours - said == set()


def test_the_container_s_settings_are_read(tmp_path: Path) -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    replaced = re.search(r"sed 's/(.+?)/(.+?)/'", dockerfile)
    assert replaced
    config = tmp_path / "rest_conf.yml"
    text = (ROOT / "rest_conf.yml").read_text()
    config.write_text(re.sub(replaced[1], replaced[2], text, flags=re.M))
    assert read_config(config).http.host == "0.0.0.0"
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    built = compose["services"]["rowhouse"]["build"]
    assert (DEPLOY / built["context"] / built["dockerfile"]).samefile(DEPLOY / "Dockerfile")
