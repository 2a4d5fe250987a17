"""/load/: a load that was cut off goes on after a reload, and stores nothing twice."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from ingest.models import Batch
from tests.api.sending import stored
from tests.browser.conftest import VisitMaker
from tests.browser.loading import ADDRESS, check_file, choose, hold_first_batch
from tests.browser.visits import NARROW, Visit, check_accessibility, check_no_sideways_scrolling
from tests.conftest import KeyMaker

ROWS = 2500  # three batches

# What the browser keeps of a load, made older.
MAKE_OLDER = """(hours) => {
  for (const [key, text] of Object.entries(localStorage)) {
    const entry = JSON.parse(text);
    localStorage.setItem(key, JSON.stringify({ ...entry, began: entry.began - hours * 3600000 }));
  }
}"""


@pytest.fixture
def person(visit: VisitMaker, key: str) -> Visit:
    """Return a person on the page, who has a load that is cut off and reloads it."""
    person = visit()
    person.log_in(key, to="/load/")
    return person


def write_jobs(folder: Path, *bad: int, name: str = "a") -> Path:
    """Write a file of jobs; the bad ones lack a name."""
    file = folder / "jobs.csv"
    lines = [f"{n},{'' if n in bad else name}\n" for n in range(1, ROWS + 1)]
    file.write_text(f"job_id,job_name\n{''.join(lines)}")
    return file


def hold_second_batch(page: Page) -> Route:
    """Load the file until its second batch is asked for; return that request, which waits."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if number_of(route.request) == "1":
            held.append(route)
        else:
            route.continue_()

    page.route(ADDRESS, hold)
    with page.expect_request(lambda request: number_of(request) == "1"):
        page.get_by_role("button", name="Load the file").click()
    expect(page.locator("#counts")).to_contain_text("1,000 rows sent")
    (route,) = held
    return route


def number_of(request: Request) -> str:
    """Return the number of the batch that is asked for, "" where none is."""
    return request.headers.get("idempotency-key", "").rpartition("-")[2]


def interrupt(page: Page, file: Path) -> Locator:
    """Load a file, and reload the page before the answer for its second, stored batch has come."""
    choose(page, file, "hiring.jobs")
    check_file(page)
    assert hold_second_batch(page).fetch().status == 201
    page.reload()
    page.unroute(ADDRESS)
    return page.locator("#interrupted")


def go_on(page: Page, file: Path) -> list[str]:
    """Choose the file again and go on; return the numbers of the batches that are sent."""
    with page.expect_file_chooser() as chooser:
        page.get_by_label("Choose a CSV, NDJSON or JSON file").click()
    chooser.value.set_files(file)
    sent: list[str] = []

    def note(route: Route) -> None:
        sent.append(number_of(route.request))
        route.continue_()

    page.route(ADDRESS, note)
    page.get_by_role("button", name="Go on with jobs.csv").click()
    expect(page.locator("#outcome")).not_to_be_empty()
    page.unroute(ADDRESS)
    return sent


def count_jobs() -> int:
    return int(stored("SELECT count(*) FROM hiring.jobs")[0][0])


@pytest.mark.parametrize(
    ("bad", "sent"),
    [((), ["1", "2"]), ((5, 2400), ["0", "1", "2"])],
    ids=["clean", "with rejected rows"],
)
def test_it_goes_on_where_it_was(
    person: Visit, tmp_path: Path, bad: tuple[int, ...], sent: list[str]
) -> None:
    page = person.page
    file = write_jobs(tmp_path, *bad)
    told = interrupt(page, file)
    expect(told).to_contain_text("jobs.csv: 1,000 rows were sent into hiring.jobs.")
    expect(told).to_be_in_viewport()
    expect(page.get_by_role("button", name="Go on with jobs.csv")).to_have_count(0)
    assert go_on(page, file) == sent
    good = f"{ROWS - len(bad):,}"
    expect(page.locator("#outcome")).to_contain_text(f"2,500 rows received: {good} inserted")
    assert count_jobs() == ROWS - len(bad)
    assert Batch.objects.filter(dry_run=False).count() == 3
    check_rejected(page, bad)
    expect(told).to_be_hidden()
    page.reload()
    expect(page.get_by_label("Choose a CSV, NDJSON or JSON file")).to_be_visible()
    expect(told).to_be_hidden()


def check_rejected(page: Page, bad: tuple[int, ...]) -> None:
    """Check that the rejected rows of all batches can be downloaded and mended."""
    expect(page.locator("#outcome")).to_contain_text(f"{len(bad)} rejected")
    if not bad:
        return
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rejected rows").click()
    rejects = csv.DictReader(io.StringIO(Path(download.value.path()).read_text()))
    assert [int(row["job_id"]) for row in rejects] == list(bad)
    page.get_by_role("link", name="Fix them at the desk").click()
    expect(page.locator(".rejection")).to_have_count(len(bad))
    page.go_back()


def test_another_file_of_that_name_and_size_is_refused(person: Visit, tmp_path: Path) -> None:
    page = person.page
    interrupt(page, write_jobs(tmp_path))
    assert go_on(page, write_jobs(tmp_path, name="c")) == []
    expect(page.locator("#outcome .error")).to_contain_text("has other rows than those")
    assert count_jobs() == 2000
    assert go_on(page, write_jobs(tmp_path)) == ["1", "2"]
    assert count_jobs() == ROWS


def test_a_file_of_another_size_is_told_apart(person: Visit, tmp_path: Path) -> None:
    page = person.page
    told = interrupt(page, write_jobs(tmp_path))
    longer = write_jobs(tmp_path, name="longer")
    page.get_by_label("Choose a CSV, NDJSON or JSON file").set_input_files(longer)
    expect(told).to_contain_text("its name but another size")
    expect(page.get_by_role("button", name="Go on with jobs.csv")).to_have_count(0)
    page.get_by_role("button", name="Forget jobs.csv").click()
    expect(told).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0


def test_a_load_that_was_stopped_goes_on_without_a_reload(person: Visit, tmp_path: Path) -> None:
    page = person.page
    file = write_jobs(tmp_path)
    choose(page, file, "hiring.jobs")
    check_file(page)
    second = hold_second_batch(page)
    page.get_by_role("button", name="Stop").click()
    second.continue_()
    expect(page.locator("#outcome .error")).to_have_text("Stopped.")
    page.unroute(ADDRESS)
    page.get_by_role("link", name="Go on with the rest").click()
    again = hold_first_batch(page, "Go on with jobs.csv")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    again.continue_()
    expect(page.locator("#outcome")).to_contain_text("2,500 rows received: 2,500 inserted")
    assert count_jobs() == ROWS


def test_it_is_the_sender_s_alone_and_as_long_as_keys_are_remembered(
    person: Visit, tmp_path: Path, key: str, api_key: KeyMaker
) -> None:
    page = person.page
    told = interrupt(page, write_jobs(tmp_path))
    expect(told).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    person.log_in(api_key("ingest", "read"), to="/load/")
    expect(told).to_be_hidden()
    page.get_by_role("button", name="Log out").click()
    person.log_in(key, to="/load/")
    expect(told).to_be_visible()
    page.evaluate(MAKE_OLDER, 24)
    page.reload()
    expect(page.get_by_role("combobox", name="Table", exact=True)).to_be_visible()
    expect(told).to_be_hidden()


def test_a_load_that_runs_in_another_tab_is_not_interrupted(person: Visit, tmp_path: Path) -> None:
    page = person.page
    choose(page, write_jobs(tmp_path), "hiring.jobs")
    check_file(page)
    second = hold_second_batch(page)
    other = person.context.new_page()
    other.goto("/load/")
    assert other.evaluate("localStorage.length") == 1
    expect(other.locator("#interrupted li")).to_have_count(0)
    other.close()
    second.continue_()
    expect(page.locator("#outcome")).to_contain_text("2,500 rows received: 2,500 inserted")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_told_serves_everybody(
    visit: VisitMaker, key: str, tmp_path: Path, scheme: str
) -> None:
    page = visit(size=NARROW, scheme=scheme).log_in(key, to="/load/")
    file = write_jobs(tmp_path)
    told = interrupt(page, file)
    page.get_by_label("Choose a CSV, NDJSON or JSON file").set_input_files(file)
    expect(told.get_by_role("button")).to_have_count(2)
    check_accessibility(page)
    check_no_sideways_scrolling(page)
