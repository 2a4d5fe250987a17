"""/rejections/: rejected rows are mended, sent again and given up by a person in a browser."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Locator, Page, expect

from ingest.models import Rejection
from tests.api.sending import send, stored
from tests.api.tables import employee
from tests.browser.conftest import VisitMaker
from tests.browser.visits import (
    NARROW,
    Visit,
    check_accessibility,
    check_no_sideways_scrolling,
    take_picture,
)

# What is wrong with the rows 10 to 13 of a batch: a missing job, a name that is too long, a job
# and a department that do not exist.
BAD = [
    employee(10, job_id=...),
    employee(11, employee_name="x" * 256),
    employee(12, job_id=8),
    employee(13, department_id=5),
]


@pytest.fixture
def rejected(client: Client) -> Client:
    """Return a client; four employees were rejected."""
    assert (
        send(client, "departments", [{"department_id": 1, "department_name": "A"}]).status_code
        == 201
    )
    assert send(client, "jobs", [{"job_id": 7, "job_name": "Clerk"}]).status_code == 201
    assert send(client, "employees", BAD).status_code == 422
    return client


@pytest.fixture
def person(visit: VisitMaker) -> Visit:
    """Return a person for whom a row may be rejected again."""
    person = visit()
    person.allow_status(422)
    return person


def card_of(page: Page, number: int) -> Locator:
    """Return the card of the employee with this number."""
    row = f'tr[data-column="employee_id"][data-text="{number}"]'
    return page.locator(".rejection").filter(has=page.locator(row))


def line_of(card: Locator, column: str) -> Locator:
    return card.locator(f'tr[data-column="{column}"]')


def expect_rows(page: Page, number: int) -> None:
    noun = "row" if number == 1 else "rows"
    expect(page.locator(".matching")).to_have_text(f"{number} open rejected {noun}")
    expect(page.locator(".rejection")).to_have_count(number)


def jobs_of_employees() -> list[tuple[int, int]]:
    return stored("SELECT employee_id, job_id FROM hiring.employees ORDER BY 1")


@pytest.mark.usefixtures("rejected")
def test_a_row_shows_its_values_with_the_wrong_ones_marked(person: Visit, key: str) -> None:
    page = person.log_in(key, to="/rejections/")
    expect_rows(page, 4)
    card = card_of(page, 12)
    expect(line_of(card, "employee_name")).to_contain_text("Person 12")
    expect(line_of(card, "employee_name")).not_to_have_class("wrong")
    wrong = line_of(card, "job_id")
    expect(wrong).to_have_class("wrong")
    expect(wrong.locator(".value")).to_have_text("8")
    expect(wrong.locator(".why")).to_have_text("fk_violation job_id is not in hiring.jobs")
    expect(line_of(card_of(page, 10), "job_id").locator(".value")).to_have_text("missing")
    take_picture(page, "desk")


@pytest.mark.usefixtures("rejected")
def test_a_row_that_is_mended_is_stored_and_leaves_the_list(person: Visit, key: str) -> None:
    page = person.log_in(key, to="/rejections/")
    card = card_of(page, 10)
    card.get_by_role("button", name="Edit").click()
    field = card.get_by_role("textbox", name="job_id")
    expect(field).to_be_focused()
    field.fill("7")
    card.get_by_role("button", name="Store the corrected row").click()
    expect(page.locator("#announcement")).to_contain_text("stored (batch")
    expect_rows(page, 3)
    assert jobs_of_employees() == [(10, 7)]
    page.reload()
    expect_rows(page, 3)


@pytest.mark.usefixtures("rejected")
def test_a_second_failure_shows_its_new_reason(person: Visit, key: str) -> None:
    page = person.log_in(key, to="/rejections/")
    card = card_of(page, 10)
    card.get_by_role("button", name="Edit").click()
    card.get_by_role("textbox", name="job_id").fill("9")
    card.get_by_role("textbox", name="hire_date").fill("yesterday")
    page.keyboard.press("Enter")
    expect(line_of(card, "job_id")).to_contain_text("fk_violation")
    expect(line_of(card, "job_id")).not_to_contain_text("required_missing")
    expect(line_of(card, "hire_date")).to_contain_text("bad_timestamp")
    expect(card.get_by_role("textbox", name="hire_date")).to_have_value("yesterday")
    expect(page.locator("#announcement")).to_contain_text("not stored")
    # The row that is kept was not changed, and neither were the reasons against it.
    card.get_by_role("button", name="Cancel").click()
    expect(line_of(card, "hire_date")).to_contain_text("2021-07-27T16:02:08Z")
    expect(line_of(card, "job_id")).to_contain_text("required_missing")
    assert jobs_of_employees() == []


def test_a_replay_as_it_was_shows_what_is_wrong_now(
    person: Visit, key: str, rejected: Client
) -> None:
    page = person.log_in(key, to="/rejections/")
    assert send(rejected, "employees", [employee(12)]).status_code == 201
    assert send(rejected, "jobs", [{"job_id": 8, "job_name": "New"}]).status_code == 201
    card = card_of(page, 12)
    card.get_by_role("button", name="Replay as it was").click()
    expect(line_of(card, "employee_id")).to_contain_text("duplicate_key")
    expect(line_of(card, "job_id")).not_to_have_class("wrong")
    page.reload()
    expect(line_of(card_of(page, 12), "employee_id")).to_contain_text("duplicate_key")
    page.get_by_role("combobox", name="A row whose key is there already").select_option("update")
    card_of(page, 12).get_by_role("button", name="Replay as it was").click()
    expect_rows(page, 3)
    assert jobs_of_employees() == [(12, 8)]


def test_all_that_match_are_sent_again(person: Visit, key: str, rejected: Client) -> None:
    page = person.log_in(key, to="/rejections/")
    page.get_by_role("link", name="fk_violation 2").click()
    expect_rows(page, 2)
    assert "code=fk_violation" in page.url
    assert send(rejected, "jobs", [{"job_id": 8, "job_name": "New"}]).status_code == 201
    page.get_by_role("button", name="Replay all that match").click()
    expect(page.locator("#announcement")).to_have_text("1 stored, 1 rejected again.")
    expect_rows(page, 1)
    assert jobs_of_employees() == [(12, 8)]
    page.go_back()
    expect_rows(page, 3)


@pytest.mark.usefixtures("rejected")
def test_a_row_is_given_up_when_that_is_meant(person: Visit, key: str) -> None:
    page = person.log_in(key, to="/rejections/")
    page.goto("/rejections/?column=job_id")
    expect_rows(page, 2)
    page.once("dialog", lambda dialog: dialog.dismiss())
    card_of(page, 10).get_by_role("button", name="Discard").click()
    expect_rows(page, 2)
    page.once("dialog", lambda dialog: dialog.accept())
    card_of(page, 10).get_by_role("button", name="Discard").click()
    expect_rows(page, 1)
    assert Rejection.objects.filter(state="discarded").count() == 1
    page.get_by_role("combobox", name="State").select_option("discarded")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(card_of(page, 10)).to_contain_text("discarded")
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)


@pytest.mark.usefixtures("rejected")
def test_what_matches_is_downloaded(person: Visit, key: str) -> None:
    page = person.log_in(key, to="/rejections/")
    page.goto("/rejections/?table=employees&column=job_id")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [(row["employee_id"], row["rejection_codes"]) for row in rows] == [
        ("12", "fk_violation"),
        ("10", "required_missing"),
    ]


@pytest.mark.usefixtures("rejected")
def test_a_row_is_mended_with_the_keyboard_alone(person: Visit, key: str) -> None:
    page = person.log_in(key, to="/rejections/")
    page.goto("/rejections/?column=job_id&code=fk_violation")
    card = card_of(page, 12)
    card.get_by_role("button", name="Edit").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(page.locator("#rejections")).to_have_text("No open rejected row matches.")
    expect(page.locator("#announcement")).to_be_focused()
    assert jobs_of_employees() == [(12, 7)]


def test_a_csv_record_is_mended_field_by_field(person: Visit, key: str, rejected: Client) -> None:
    text = 'job_id,job_name\n"x","a, ""b"""\n9\n'
    assert send(rejected, "jobs", text, content_type="text/csv").status_code == 422
    page = person.log_in(key, to="/rejections/")
    page.goto("/rejections/?table=jobs")
    first = page.locator(".rejection").first
    expect(first.locator(".of-row")).to_contain_text("column_count")
    first.get_by_role("button", name="Edit").click()
    first.get_by_role("textbox", name="job_id").fill("9")
    first.get_by_role("textbox", name="job_name").fill("c")
    first.get_by_role("button", name="Store").click()
    expect_rows(page, 1)
    first.get_by_role("button", name="Edit").click()
    first.get_by_role("textbox", name="job_id").fill("10")
    first.get_by_role("button", name="Store").click()
    expect(page.locator(".rejection")).to_have_count(0)
    assert stored("SELECT * FROM hiring.jobs WHERE job_id > 8 ORDER BY 1") == [
        (9, "c"),
        (10, 'a, "b"'),
    ]


@pytest.mark.usefixtures("rejected")
def test_who_may_only_read_is_offered_nothing_else(
    visit: VisitMaker, api_key: Callable[..., str]
) -> None:
    page = visit().log_in(api_key("read"), to="/rejections/")
    expect_rows(page, 4)
    for name in ("Edit", "Discard", "Replay"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


@pytest.mark.usefixtures("rejected")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_serves_everybody(visit: VisitMaker, key: str, scheme: str) -> None:
    person = visit(size=NARROW, scheme=scheme)
    page = person.log_in(key, to="/rejections/")
    expect_rows(page, 4)
    check_accessibility(page)
    check_no_sideways_scrolling(page)
    card_of(page, 11).get_by_role("button", name="Edit").click()
    check_accessibility(page)
    check_no_sideways_scrolling(page)
    if scheme == "light":
        take_picture(page, "desk_narrow")


@pytest.mark.parametrize(
    ("kind", "json", "text", "is_field", "written"),
    [
        ("number", "", "1.50", False, "1.50"),
        ("number", "", "12345678901234567890.10", False, "12345678901234567890.10"),
        ("number", "", "1,5", False, '"1,5"'),
        ("text", "", "5", False, '"5"'),
        ("boolean", "", "t", False, "true"),
        ("boolean", "", "no", False, '"no"'),
        ("json", "", '{"a": 1.0}', False, '{"a": 1.0}'),
        ("json", "", "{a", False, '"{a"'),
        ("number", "12345678901234567890.10", None, False, "12345678901234567890.10"),
        ("text", '"a\\u00e9"', None, False, '"a\\u00e9"'),
        ("text", "null", None, False, "null"),
        ("text", '""', None, False, '""'),
        ("number", '"5"', None, True, '"5"'),
        ("json", '"[1]"', None, True, '"[1]"'),
        ("text", '""', None, True, '""'),
        ("boolean", "", "t", True, '"t"'),
        ("json", "", "[1]", True, '"[1]"'),
        ("text", "null", None, True, "null"),
        ("text", '"a\\u0000\\r\\n"', None, True, '"a\\u0000\\r\\n"'),
        ("text", '"a"', "", False, None),
    ],
)
def test_a_value_is_sent_as_it_is_meant(
    visit: VisitMaker, kind: str, json: str, text: str | None, *, is_field: bool, written: str
) -> None:
    page = visit().page
    page.goto("/login/")
    shown = json.strip('"') if text is None else text
    value = {"column": "a", "kind": kind, "json": json, "text": shown}
    row = page.evaluate(
        """async (value) => {
          const { writeRow } = await import("/static/ingest/desk/row_text.js");
          return writeRow([value]);
        }""",
        value | {"isChanged": text is not None, "isField": is_field},
    )
    assert row == ("{}" if written is None else f'{{"a": {written}}}')
