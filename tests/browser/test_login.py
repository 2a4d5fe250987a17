"""Logging in and out in a browser, and calls of the API from its pages."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from project.models import ApiKey
from tests.browser.conftest import VisitMaker
from tests.browser.visits import NARROW, check_accessibility, check_no_sideways_scrolling
from tests.conftest import KeyMaker

CALL = """async ([address, value]) => {
  const api = await import("/static/site/api.js");
  try { return await api.send(address, value); } catch (refusal) { return refusal.problem; }
}"""


def test_a_key_opens_the_page_that_was_asked_for(visit: VisitMaker, key: str) -> None:
    page = visit().log_in(key, to="/reports/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
    expect(page.get_by_role("link", name="Reports", exact=True)).to_have_attribute(
        "aria-current", "page"
    )


def test_a_member_of_staff_logs_in_and_out(visit: VisitMaker) -> None:
    User.objects.create_user("ann", password="correct horse", is_staff=True)
    page = visit().page
    page.goto("/login/?next=/reports/")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("correct horse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reports")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    assert "rowhouse_session" not in {cookie["name"] for cookie in page.context.cookies()}


def test_a_wrong_key_is_refused_in_words(visit: VisitMaker) -> None:
    person = visit()
    person.allow_status(401)
    page = person.page
    page.goto("/login/")
    page.get_by_role("textbox", name="API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("unknown, revoked or expired")


def test_a_page_calls_the_api_with_its_session(visit: VisitMaker, key: str) -> None:
    page = visit().log_in(key, to="/reports/")
    row = {"department_id": 1, "department_name": "A"}
    assert page.evaluate(CALL, ["/api/ingest/departments", [row]])["inserted"] == 1


def test_a_revoked_key_ends_its_session(visit: VisitMaker, key: str) -> None:
    page = visit().log_in(key, to="/reports/")
    ApiKey.objects.update(revoked=True)
    page.reload()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    assert page.request.get("/api/batches").status == 401


def test_the_scopes_of_the_key_are_those_of_its_session(
    visit: VisitMaker, api_key: KeyMaker
) -> None:
    person = visit()
    person.allow_status(403)
    page = person.log_in(api_key("read"), to="/reports/")
    assert page.evaluate(CALL, ["/api/ingest/departments", []])["code"] == "scope_missing"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_is_accessible(visit: VisitMaker, scheme: str) -> None:
    page = visit(scheme=scheme, size=NARROW).page
    page.goto("/login/")
    check_accessibility(page)
    check_no_sideways_scrolling(page)
