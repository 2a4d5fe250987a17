"""Codes of errors: what is raised, described by OpenAPI, in docs/errors.md, on /docs/errors."""

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from apis.open311 import openapi as open311
from ingest.row_codes import ROW_CODES
from project.base.errors import RowhouseError
from project.http.problems import FRAMEWORK_CODES, status_of

pytestmark = pytest.mark.usefixtures("database")

ROOMS = ("apis", "backups", "ingest", "project", "reports")
HEADINGS = ("Requests", "Rejected rows", "Commands and jobs")

# Answered by pages for people, which the OpenAPI description leaves out.
OF_PAGES = {"password_refused", "too_many_attempts"}

Codes = dict[str, tuple[str, str]]  # code: status, meaning


def raised_codes() -> Codes:
    """Return the status and meaning of every code that the program has, wherever it is raised."""
    for room in ROOMS:
        package = import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not module.name.endswith(("asgi", "wsgi", "__main__", ".native.rows")):
                import_module(module.name)
    found = {code: (str(int(status)), text) for code, (status, text) in FRAMEWORK_CODES.items()}
    for error in descendants(RowhouseError):
        if "code" in vars(error) and not error.__module__.startswith("tests."):
            found.setdefault(error.code, (str(int(status_of(error))), error.meaning()))
    return found


def descendants(error: type[RowhouseError]) -> list[type[RowhouseError]]:
    return [each for child in error.__subclasses__() for each in (child, *descendants(child))]


@pytest.fixture
def answered() -> set[str]:
    """Return the codes that requests may be answered with."""
    described = Client().get("/api/schema").json()
    return {*described["components"]["examples"], *open311.CODES, *OF_PAGES}


@pytest.fixture
def documented() -> dict[str, dict[str, str]]:
    """Return for each heading of docs/errors.md the codes and what stands behind them."""
    text = (Path(settings.BASE_DIR) / "docs" / "errors.md").read_text()
    sections = re.split(r"^## ", text, flags=re.M)[1:]
    return {
        section.partition("\n")[0]: dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.M))
        for section in sections
    }


def test_every_code_a_request_may_get_is_documented(
    answered: set[str], documented: dict[str, dict[str, str]]
) -> None:
    known = raised_codes()
    expected = {code: " | ".join(known[code]) for code in answered}
    missing = {f"| `{code}` | {text} |" for code, text in expected.items()}
    written = {f"| `{code}` | {text} |" for code, text in documented["Requests"].items()}
    assert missing - written == set(), "docs/errors.md lacks these"
    assert written - missing == set(), "docs/errors.md has these, and no operation names them"


def test_every_row_code_is_documented(documented: dict[str, dict[str, str]]) -> None:
    assert documented["Rejected rows"] == ROW_CODES


def test_every_other_code_is_one_of_commands_and_jobs(
    answered: set[str], documented: dict[str, dict[str, str]]
) -> None:
    others = {code: text for code, (_, text) in raised_codes().items() if code not in answered}
    assert documented["Commands and jobs"] == others
    assert tuple(documented) == HEADINGS


def test_the_description_names_the_row_codes(answered: set[str]) -> None:
    described = Client().get("/api/schema").json()
    row_error = described["components"]["schemas"]["RowError"]
    assert row_error["properties"]["code"]["enum"] == sorted(ROW_CODES)


def test_the_page_has_every_code(answered: set[str]) -> None:
    page = Client().get("/docs/errors").content.decode()
    places = set(re.findall(r'<tr id="([^"]+)">', page))
    assert answered | {f"row-{code}" for code in ROW_CODES} <= places
