"""The dashboard in a browser: what it shows, that it is live, how it is reached."""

import re
from typing import Literal

import pytest
from django.test import Client
from playwright.sync_api import expect

from tests.api.sending import send
from tests.browser.conftest import VisitMaker
from tests.browser.visits import (
    NARROW,
    WIDE,
    check_accessibility,
    check_no_sideways_scrolling,
    pictures_are_wanted,
    take_picture,
)
from tests.hiring import send_small

# On the page's own clock: longer than the time between two of its questions.
ENOUGH_MS = 60_000

# Makes the page believe that its tab is hidden, or seen.
HIDE = """([isHidden]) => {
  Object.defineProperty(document, "hidden", { get: () => isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

SECTIONS = ["hours", "reasons", "tables", "reports", "backups", "jobs"]


@pytest.fixture
def loaded(client: Client) -> Client:
    """Return a client of every scope; some rows are stored, two are rejected, one report shows."""
    send_small(client)
    send(client, "employees", [{"employee_id": 1}, {"employee_id": "x"}])
    assert client.post("/api/reports/hires_by_quarter/refresh").status_code == 200
    return client


def test_the_first_visit(visit: VisitMaker, sample: Client, key: str) -> None:
    page = visit().page
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.keyboard.type(key)  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    for name in SECTIONS:
        expect(page.locator(f"#{name} h2")).to_be_visible()
    expect(page.locator("#hours")).to_contain_text("2\u202f052 rows stored")
    expect(page.locator("#hours")).to_contain_text("20 rows rejected")
    expect(page.locator("#tables")).to_contain_text("hiring.employees")
    expect(page.locator("#tables time").first).to_have_text(re.compile("ago$"))
    if pictures_are_wanted():
        # PostgreSQL tells the numbers of rows within seconds.
        expect(page.locator("#tables")).to_contain_text("1\u202f980")
    take_picture(page, "dashboard")


def test_what_is_sent_appears_without_a_reload(visit: VisitMaker, loaded: Client, key: str) -> None:
    person = visit()
    person.context.clock.install()
    page = person.log_in(key)
    link = page.locator("#reasons a").first
    link.focus()
    address = link.get_attribute("href")
    send(loaded, "employees", [{"employee_id": "y"}])
    page.clock.run_for(ENOUGH_MS)
    expect(page.locator("#hours")).to_contain_text("3 rows rejected")
    assert page.evaluate("document.activeElement.getAttribute('href')") == address


def test_a_hidden_tab_asks_nothing_until_it_is_seen(
    visit: VisitMaker, loaded: Client, key: str
) -> None:
    person = visit()
    person.context.clock.install()
    page = person.log_in(key)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(HIDE, [True])
    send(loaded, "employees", [{"employee_id": "y"}])
    page.clock.run_for(ENOUGH_MS)
    assert not any("dashboard.json" in address for address in asked)
    page.evaluate(HIDE, [False])
    expect(page.locator("#hours")).to_contain_text("3 rows rejected")


def test_a_reason_is_reached_with_the_keyboard(visit: VisitMaker, loaded: Client, key: str) -> None:
    person = visit()
    page = person.log_in(key)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert "code=required_missing" in str(focused.get_attribute("href"))
    outline = focused.evaluate("(link) => getComputedStyle(link).outlineStyle")
    assert outline != "none"


@pytest.mark.parametrize(
    ("scheme", "size"),
    [("light", WIDE), ("dark", WIDE), ("dark", NARROW)],
    ids=["light", "dark", "narrow"],
)
def test_it_is_accessible_on_every_screen(
    visit: VisitMaker,
    sample: Client,
    key: str,
    scheme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    page = visit(scheme=scheme, size=size).log_in(key)
    check_accessibility(page)
    check_no_sideways_scrolling(page)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    if scheme == "dark":
        take_picture(page, "dashboard_dark" if size == WIDE else "dashboard_narrow")
