"""Fixtures of the browser tests: Chromium and visits to the service in it."""

import os
import shutil
from collections.abc import Callable, Iterator

import msgspec
import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django import Settings

from project.demo import fill_empty_tables
from project.models import Scope
from tests.browser.visits import PATIENCE_MS, Visit
from tests.conftest import KeyMaker
from tests.needs import need

ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

VisitMaker = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run Chromium for the tests of one file.

    Playwright runs an event loop in this thread, so that Django would refuse to use the database,
    and other tests could not run a loop of their own: it ends with the file.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    need(program, "there is no chromium: run tests/install_packages.sh")
    expect.set_options(timeout=PATIENCE_MS)
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=ARGUMENTS, timeout=2 * PATIENCE_MS
            )
            yield browser
            browser.close()
            # Those of the loop, which are not the thread's own.
            connections.close_all()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def visit(browser: Browser, server: str, database: None) -> Iterator[VisitMaker]:
    """Return a function that opens a window: `visit(scheme="dark", size=NARROW)`.

    Whatever went wrong in any of them fails the test at its end.
    """
    visits: list[Visit] = []

    def open_window(**options: object) -> Visit:
        visits.append(Visit(browser, server, **options))  # type: ignore[arg-type]
        return visits[-1]

    yield open_window
    for one in visits:
        one.context.close()
    for one in visits:
        one.check()


@pytest.fixture
def key(api_key: KeyMaker) -> str:
    """Return an API key of every scope."""
    return api_key(*Scope.values)


@pytest.fixture
def sample(client: Client, server: str, settings: Settings) -> Client:
    """Return a client of every scope; the hiring dataset holds its sample rows, as in a demo."""
    config = settings.CONFIG
    settings.CONFIG = msgspec.structs.replace(
        config, datasets={"hiring": config.datasets["hiring"]}
    )
    fill_empty_tables(server, lambda _: None)
    settings.CONFIG = config
    for name in ("hires_by_quarter", "departments_above_mean"):
        assert client.post(f"/api/reports/{name}/refresh").status_code == 200
    return client
