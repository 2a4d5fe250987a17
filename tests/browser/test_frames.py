"""Pages that others draw, under our content policy: the API's description and Django's admin."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.conftest import VisitMaker
from tests.browser.visits import NARROW, WIDE, check_accessibility, check_no_sideways_scrolling
from tests.hiring import send_small


def open_operations(page: Page, tag: str) -> None:
    page.locator(f"#operations-tag-{tag} button").click()


def test_the_api_s_description_is_drawn(visit: VisitMaker, database: None) -> None:
    page = visit().page
    page.goto("/api/docs")
    open_operations(page, "ingest")
    expect(page.get_by_text("/api/ingest/{table}", exact=True)).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", NARROW)])
def test_the_api_s_description_serves_everybody(
    visit: VisitMaker, key: str, scheme: str, size: tuple[int, int]
) -> None:
    page = visit(scheme=scheme, size=size).log_in(key, to="/api/docs")
    open_operations(page, "backups")
    operation = page.locator("#operations-backups-post_backups_run_restore")
    operation.locator("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    expect(operation.get_by_role("textbox", name="Body")).to_be_visible()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    check_accessibility(page)
    check_no_sideways_scrolling(page)
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("button", name="Close").first).to_be_visible()
    check_accessibility(page, ".dialog-ux")


def test_a_request_is_tried_out_with_the_session(
    visit: VisitMaker, client: Client, key: str
) -> None:
    send_small(client)
    page = visit().log_in(key, to="/api/docs")
    open_operations(page, "batches")
    operation = page.locator(".opblock", has=page.get_by_text("/api/batches", exact=True))
    operation.locator("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("hiring.employees")


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/project/apikey/add/", "/admin/ingest/batch/"]
)
def test_the_admin_works_without_inline_scripts(
    visit: VisitMaker, client: Client, address: str
) -> None:
    send_small(client)
    User.objects.create_superuser("ann", password="correct horse")
    page = visit().page
    page.goto(f"/login/?next={address}")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("correct horse")
    page.keyboard.press("Enter")
    expect(page.locator("#content h1")).to_be_visible()
    expect(page.locator("#user-tools")).to_contain_text("ann")
