"""Django's admin in a browser: its scripts and styles run under the service's own policy."""

from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import expect

from project.models import ApiKey
from tests.browser.conftest import VisitMaker
from tests.browser.visits import NARROW, Visit, check_accessibility


def enter(person: Visit) -> None:
    """Log in on the admin's own page."""
    User.objects.create_superuser("ann", password="correct horse")
    person.page.goto("/admin/")
    person.page.get_by_label("Username").fill("ann")
    person.page.get_by_label("Password").fill("correct horse")
    person.page.keyboard.press("Enter")
    expect(person.page.get_by_role("heading", name="Records and keys")).to_be_visible()


def test_a_batch_leads_to_its_rejections(visit: VisitMaker, sample: Client) -> None:
    person = visit()
    enter(person)
    page = person.page
    page.get_by_role("link", name="Batches", exact=True).first.click()
    page.get_by_role("link", name="with rejected rows").click()
    rows = page.locator("#result_list tbody tr")
    expect(rows).to_have_count(2)  # employees are sent in two batches
    rows.first.get_by_role("link").click()
    check_accessibility(page)
    page.get_by_role("link", name="those of this batch").click()
    expect(page.locator("#result_list tbody tr").first).to_contain_text("hiring.employees")
    expect(page.get_by_role("textbox", name="Search")).to_be_visible()
    check_accessibility(page)


def test_a_key_is_made_and_revoked(visit: VisitMaker) -> None:
    person = visit(size=NARROW, scheme="dark")
    enter(person)
    page = person.page
    page.goto("/admin/project/apikey/add/")
    expect(page.get_by_role("textbox", name="Expires: date")).to_be_visible()
    check_accessibility(page)
    page.get_by_label("Name").fill("nightly load")
    page.get_by_label("Ingest", exact=True).check()
    page.get_by_role("link", name="Today").click()  # the admin's own script
    expect(page.locator("#id_expiry_date_0")).not_to_have_value("")
    page.locator("#id_expiry_date_0").fill("2099-01-31")
    page.locator("#id_expiry_date_1").fill("12:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#api-key")).to_contain_text(".")
    key = ApiKey.objects.get(name="nightly load")
    assert key.expiry_date is not None
    page.goto(f"/admin/project/apikey/{key.prefix}/change/")
    page.get_by_label("Revoked").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    key.refresh_from_db()
    assert key.revoked
