"""Table pages, report pages and the pages around the API in a browser."""

import json

import pytest
from django.test import Client
from playwright.sync_api import expect

from tests.browser.conftest import VisitMaker
from tests.browser.visits import (
    NARROW,
    check_accessibility,
    check_no_sideways_scrolling,
    take_picture,
)


def test_the_example_of_a_table_is_copied(visit: VisitMaker, sample: Client, key: str) -> None:
    person = visit()
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = person.log_in(key, to="/tables/hiring.jobs")
    page.get_by_role("button", name="Copy the example").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    (row,) = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert set(row) == {"job_id", "job_name"}
    take_picture(page, "table")


def test_a_table_is_reached_from_the_dashboard(visit: VisitMaker, sample: Client, key: str) -> None:
    page = visit().log_in(key)
    page.get_by_role("link", name="hiring.employees").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("hiring.employees")
    expect(page.locator("tbody tr").last).to_contain_text("1991")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_page_draws_its_chart(
    visit: VisitMaker, sample: Client, key: str, scheme: str
) -> None:
    page = visit(scheme=scheme).log_in(key, to="/reports/departments_above_mean/")
    bar = page.locator("svg.chart rect").first
    box = bar.bounding_box()
    assert box is not None
    assert box["width"] > 100
    assert bar.evaluate("(bar) => getComputedStyle(bar).fill") != "rgb(0, 0, 0)"
    check_accessibility(page)
    if scheme == "light":
        take_picture(page, "report")


@pytest.mark.parametrize(
    "address",
    [
        *("/tables/", "/tables/hiring.employees", "/tables/nyc311.service_requests"),
        *("/reports/", "/docs/errors", "/open311/"),
    ],
)
def test_a_page_is_accessible_on_a_phone(
    visit: VisitMaker, sample: Client, key: str, address: str
) -> None:
    page = visit(scheme="dark", size=NARROW).log_in(key, to=address)
    check_accessibility(page)
    check_no_sideways_scrolling(page)
