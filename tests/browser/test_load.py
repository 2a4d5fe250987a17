"""/load/: a file is checked and loaded by a person in a browser."""

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, Route, expect

from ingest.models import Batch, Rejection
from tests.api.sending import stored
from tests.browser.conftest import VisitMaker
from tests.browser.hiring_files import BAD, EMPLOYEES, LACKING, find_hiring_files
from tests.browser.loading import ADDRESS, check_file, choose, hold_first_batch, load_file
from tests.browser.visits import (
    NARROW,
    check_accessibility,
    check_no_sideways_scrolling,
    take_picture,
)

THREE_BATCHES = 2500


@pytest.fixture
def page(visit: VisitMaker, key: str) -> Page:
    """Return the page, opened by a person who is signed in."""
    return visit().log_in(key, to="/load/")


def write_jobs(folder: Path, rows: int, *, width: int = 0) -> Path:
    file = folder / "jobs.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write("job_id,job_name\n")
        out.writelines(f"{n},{str(n).rjust(width, 'x')}\n" for n in range(1, rows + 1))
    return file


def count_jobs() -> int:
    return int(stored("SELECT count(*) FROM hiring.jobs")[0][0])


def test_a_file_with_seventy_bad_rows_is_checked_then_loaded(page: Page, tmp_path: Path) -> None:
    files = find_hiring_files(tmp_path)
    for table in ("departments", "jobs"):
        choose(page, files[table], f"hiring.{table}")
        load_file(page)
    choose(page, files["employees"], "hiring.employees")
    said = check_file(page)
    expect(said).to_contain_text(f"1,999 rows checked: 1,929 would be inserted, {BAD} rejected")
    assert stored("SELECT count(*) FROM hiring.employees") == [(0,)]
    assert Rejection.objects.count() == 0
    page.get_by_role("button", name="Load the file").click()
    expect(said).to_contain_text(f"1,999 rows received: 1,929 inserted, {BAD} rejected")
    for column, rows in LACKING.items():
        line = said.get_by_role("row").filter(has_text=f"{column} is required")
        expect(line.get_by_role("cell").nth(2)).to_have_text(str(rows))
    take_picture(page, "load")
    assert stored("SELECT count(*) FROM hiring.employees") == [(EMPLOYEES - BAD,)]
    check_rejects_file(page, files["employees"])
    page.get_by_role("link", name="Fix them at the desk").click()
    expect(page.locator(".matching")).to_have_text(f"{BAD} open rejected rows")


def check_rejects_file(page: Page, sent: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rejected rows").click()
    assert download.value.suggested_filename == "employees.rejected.csv"
    with sent.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    rejects = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(rejects) == BAD
    for reject in rejects:
        *fields, line, code, _ = reject.values()
        assert fields == rows[int(line) - 1]
        assert "" in fields
        assert code == "required_missing"


@pytest.mark.parametrize("name", ["jobs.ndjson", "jobs.json", "jobs.csv.gz", "jobs.jsonl.gz"])
def test_every_format_is_loaded(page: Page, tmp_path: Path, name: str) -> None:
    rows = [{"job_id": n, "job_name": f"Jäger {n}"} for n in range(1, 4)]
    if ".json" in name and ".jsonl" not in name:
        text = json.dumps({"from": "elsewhere", "rows": rows}, indent=1)
    elif ".csv" in name:
        text = "job_id,job_name\n" + "".join(f"{r['job_id']},{r['job_name']}\n" for r in rows)
    else:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    file = tmp_path / name
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    choose(page, file, "hiring.jobs")
    expect(load_file(page)).to_contain_text("3 rows received: 3 inserted, 0 rejected.")
    assert stored("SELECT job_name FROM hiring.jobs ORDER BY 1") == [
        (f"Jäger {n}",) for n in range(1, 4)
    ]


@pytest.mark.parametrize(("name", "place"), [("jobs.json", "index"), ("jobs.ndjson", "line")])
def test_rejected_rows_of_json_are_downloaded_as_they_were(
    page: Page, tmp_path: Path, name: str, place: str
) -> None:
    good, bad = '{"job_id": 1, "job_name": "a"}', '{"job_id": 1.50, "job_name": "b"}'
    file = tmp_path / name
    file.write_text(f"[{good},\n{bad}]" if place == "index" else f"{good}\n{bad}\n")
    choose(page, file, "hiring.jobs")
    expect(load_file(page)).to_contain_text("2 rows received: 1 inserted, 1 rejected.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rejected rows").click()
    assert download.value.suggested_filename == "jobs.rejected.ndjson"
    (line,) = Path(download.value.path()).read_text().splitlines()
    assert bad in line
    reject = json.loads(line)
    assert list(reject) == [place, "row", "errors"]
    assert reject[place] == (1 if place == "index" else 2)
    assert [error["code"] for error in reject["errors"]] == ["not_integer"]


def test_fields_go_where_a_person_says(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "stellen.csv"
    file.write_bytes('Nummer;Titel;Notiz\n7;"Jäger; Hüter";alt\n8;x\n'.encode("cp1252"))
    page.get_by_role("combobox", name="Encoding").select_option("windows-1252")
    choose(page, file, "hiring.jobs")
    expect(page.get_by_role("combobox", name="Delimiter")).to_have_value(";")
    expect(page.locator("#mapping")).to_contain_text("Left out: Nummer, Titel, Notiz.")
    expect(page.get_by_role("button", name="Check the file")).to_be_disabled()
    page.get_by_label("Column of Nummer").select_option("job_id")
    page.get_by_label("Column of Titel").select_option("job_id")
    expect(page.locator("#mapping")).to_contain_text("Two fields go into job_id")
    page.get_by_label("Column of Titel").select_option("job_name")
    expect(page.locator("#mapping .warn")).to_have_text("Left out: Notiz.")
    # The second record is too short, also when a field is left out.
    expect(load_file(page)).to_contain_text("2 rows received: 1 inserted, 1 rejected")
    expect(page.locator("#outcome")).to_contain_text("column_count")
    assert stored("SELECT job_id, job_name FROM hiring.jobs") == [(7, "Jäger; Hüter")]


def test_a_file_stays_chosen_when_no_other_is(page: Page, tmp_path: Path) -> None:
    choose(page, write_jobs(tmp_path, 3), "hiring.jobs")
    field = page.get_by_label("Choose a CSV, NDJSON or JSON file")
    with page.expect_file_chooser():
        field.click()
    expect(field).to_have_value("")
    field.dispatch_event("cancel")
    expect(field).to_have_value(re.compile("jobs.csv$"))
    expect(load_file(page)).to_contain_text("3 rows received: 3 inserted, 0 rejected.")


def test_rows_before_damage_are_stored(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "jobs.csv"
    file.write_text('job_id,job_name\n1,"a"\n2,"b"c\n3,d\n')
    choose(page, file, "hiring.jobs")
    expect(page.locator("#mapping .error")).to_contain_text("Line 3")
    expect(check_file(page)).to_contain_text("Line 3: there is text after a closing quote.")
    page.get_by_role("button", name="Load the file").click()
    expect(page.locator("#outcome")).to_contain_text("1 rows received: 1 inserted")
    assert stored("SELECT job_id FROM hiring.jobs") == [(1,)]


def test_a_batch_whose_answer_is_lost_is_stored_once(
    visit: VisitMaker, key: str, tmp_path: Path
) -> None:
    person = visit()
    person.allow_status(503)
    page = person.log_in(key, to="/load/")
    choose(page, write_jobs(tmp_path, 3), "hiring.jobs")
    check_file(page)
    tries: list[str | None] = []

    def lose_the_first(route: Route) -> None:
        tries.append(route.request.headers.get("idempotency-key"))
        if len(tries) > 1:
            route.continue_()
            return
        assert route.fetch().status == 201
        route.fulfill(status=503, json={"code": "unavailable"}, headers={"Retry-After": "0"})

    page.route(ADDRESS, lose_the_first)
    page.get_by_role("button", name="Load the file").click()
    expect(page.locator("#outcome")).to_contain_text("3 rows received: 3 inserted, 0 rejected.")
    assert len(tries) == 2
    assert tries[0] == tries[1]
    assert (count_jobs(), Batch.objects.filter(dry_run=False).count()) == (3, 1)


def test_a_batch_that_is_refused_ends_the_load_and_is_told_by_its_lines(
    visit: VisitMaker, key: str, tmp_path: Path
) -> None:
    person = visit()
    person.allow_status(403)
    page = person.log_in(key, to="/load/")
    choose(page, write_jobs(tmp_path, 3), "hiring.jobs")
    check_file(page)
    refusal = {"code": "scope_missing", "detail": "The key may not ingest."}
    page.route(ADDRESS, lambda route: route.fulfill(status=403, json=refusal))
    page.get_by_role("button", name="Load the file").click()
    problem = page.locator("#outcome .error")
    expect(problem).to_have_text("lines 2 to 4: The key may not ingest.")
    expect(page.locator("#interrupted")).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0


def test_a_load_is_paused_and_goes_on(page: Page, tmp_path: Path) -> None:
    choose(page, write_jobs(tmp_path, THREE_BATCHES), "hiring.jobs")
    check_file(page)
    first = hold_first_batch(page, "Load the file")
    page.get_by_role("button", name="Pause").click()
    first.continue_()
    expect(page.locator("#counts")).to_contain_text("1,000 rows sent, 0 rejected")
    # Whatever the page still asked for would come before this.
    assert page.evaluate("async () => (await fetch('/healthz')).status") == 200
    assert count_jobs() == 1000
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#outcome")).to_contain_text("2,500 rows received: 2,500 inserted")
    assert count_jobs() == THREE_BATCHES


def test_a_check_that_was_stopped_is_followed_by_the_load(page: Page, tmp_path: Path) -> None:
    choose(page, write_jobs(tmp_path, THREE_BATCHES), "hiring.jobs")
    first = hold_first_batch(page, "Check the file")
    expect(page.get_by_role("button", name="Load the file")).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    first.continue_()
    expect(page.locator("#outcome")).to_contain_text("1,000 rows checked: 1,000 would be inserted")
    expect(page.locator("#outcome .error")).to_have_text("Stopped.")
    page.get_by_role("button", name="Load the file").click()
    expect(page.locator("#outcome")).to_contain_text("2,500 rows received: 2,500 inserted")


def test_memory_does_not_grow_with_the_file(page: Page, tmp_path: Path) -> None:
    choose(page, write_jobs(tmp_path, 200_000, width=100), "hiring.jobs")
    developer = page.context.new_cdp_session(page)

    def measure_heap() -> float:
        developer.send("HeapProfiler.collectGarbage")
        usage = developer.send("Runtime.getHeapUsage")
        return float(usage["usedSize"] + usage.get("backingStorageSize", 0))

    heaps = [measure_heap()]
    page.get_by_role("button", name="Check the file").click()
    for thousands in (r"([3-9]\d|\d{3})", r"\d{3}", r"(1[5-9]\d|200)"):
        expect(page.locator("#counts")).to_contain_text(re.compile(f"^{thousands},000 rows sent"))
        heaps.append(measure_heap())
    expect(page.locator("#outcome")).to_contain_text("200,000 rows checked: 200,000 would be")
    heaps.append(measure_heap())
    # The file has 21 MB, a block 1 MB; what the engine has not taken back yet comes on top.
    assert max(heaps) - heaps[0] < 10_000_000, heaps


def test_a_key_that_may_only_read_is_told_so(
    visit: VisitMaker, api_key: Callable[..., str]
) -> None:
    person = visit()
    person.allow_status(403)
    page = person.log_in(api_key("read"), to="/load/")
    expect(page.locator(".error")).to_contain_text("a key with the scope ingest")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_serves_everybody(
    visit: VisitMaker, key: str, client: Client, tmp_path: Path, scheme: str
) -> None:
    person = visit(size=NARROW, scheme=scheme)
    person.allow_status(422)
    page = person.log_in(key, to="/load/")
    check_accessibility(page)
    file = tmp_path / "jobs.csv"
    file.write_text("JOB ID,Job_Name\nx,y\n")
    choose(page, file, "hiring.jobs")
    expect(load_file(page)).to_contain_text("1 rows received: 0 inserted, 1 rejected.")
    expect(page.locator("#outcome")).to_be_focused()
    check_accessibility(page)
    check_no_sideways_scrolling(page)
