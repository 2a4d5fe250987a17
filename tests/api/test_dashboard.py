"""/, /dashboard.json and /tables/: pages that tell how the service is doing."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from psycopg.sql import SQL, Identifier

from backups.runs.runs import run_backup
from backups.store.manifest import MANIFEST_NAME
from project.jobs.registry import list_jobs
from project.models import JobRun
from project.site import overview
from tests.api.replaying import bulk, reject
from tests.api.sending import execute, send
from tests.cleaning import Table
from tests.conftest import KeyMaker, Publish
from tests.database import log_in
from tests.hiring import send_small
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

PAGES = ["/", "/tables/", "/tables/hiring.employees"]


@pytest.fixture
def person(api_key: KeyMaker) -> Client:
    """Return a client with the session of a key that may read."""
    return sign_in(api_key("read"))


def sign_in(key: str) -> Client:
    client = Client()
    assert client.post("/login/", {"key": key}).status_code == 302
    return client


def read_page(person: Client, address: str) -> str:
    answer = person.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def read_section(person: Client, name: str) -> str:
    sections: dict[str, str] = person.get("/dashboard.json").json()["sections"]
    return sections[name]


@pytest.fixture
def closed(publish: Publish) -> None:
    """Have no dataset be public."""
    publish(nyc311=False, mds=False, open311=False, covid=False)


@pytest.mark.parametrize("address", PAGES)
def test_who_is_not_signed_in_is_led_to_the_login_and_back(closed: None, address: str) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login/?next={address.replace('/', '%2F')}"


@pytest.mark.parametrize("address", PAGES)
def test_a_key_that_may_not_read_sees_nothing(
    closed: None, api_key: KeyMaker, address: str
) -> None:
    answer = sign_in(api_key("ingest")).get(address)
    assert answer.status_code == 403
    assert "scope_missing" in answer.content.decode()


def test_pages_of_data_are_kept_by_nobody(person: Client) -> None:
    for address in PAGES:
        assert person.get(address).headers["Cache-Control"] == "private, no-store"


def test_rows_of_the_last_day_are_counted_by_receipts(person: Client, client: Client) -> None:
    rows = [{"department_id": 1, "department_name": "A"}, {"department_id": 2}]
    assert send(client, "departments", rows).status_code == 207
    send(client, "departments?dry_run=true", [{"department_id": 9, "department_name": "B"}])
    hours = read_section(person, "hours")
    assert "1 row stored" in hours
    assert "1 row rejected" in hours
    assert hours.count("<svg") == 2


def test_a_replay_that_fails_again_is_not_counted_twice(person: Client, client: Client) -> None:
    reject(client, {"department_id": 2}, table="departments")
    assert bulk(client).json()["rejected"] == 1
    assert "1 row rejected" in read_section(person, "hours")


def test_a_reason_leads_to_its_rows(person: Client, client: Client) -> None:
    send(client, "departments", [{"department_id": 2}, {"department_id": "x"}])
    reasons = read_section(person, "reasons")
    links = re.findall(r'href="(/rejections/\?state=open&amp;code=\w+)"', reasons)
    assert links == [
        "/rejections/?state=open&amp;code=required_missing",
        "/rejections/?state=open&amp;code=not_integer",
    ]


def test_reasons_of_rows_that_are_done_with_are_not_shown(person: Client, client: Client) -> None:
    send(client, "departments", [{"department_id": 2}])
    (rejection,) = client.get("/api/rejections").json()["results"]
    assert "required_missing" in read_section(person, "reasons")
    client.post(f"/api/rejections/{rejection['id']}/discard")
    assert "No row is waiting to be fixed" in read_section(person, "reasons")


def test_only_so_many_rejections_are_looked_at(
    person: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(client, "departments", [{"department_id": "x"}, {"department_id": 2}])
    assert "Only the newest" not in read_section(person, "reasons")
    monkeypatch.setattr(overview, "MOST_REJECTIONS", 1)
    reasons = read_section(person, "reasons")
    assert "Only the newest" in reasons
    assert "required_missing" in reasons
    assert "not_integer" not in reasons


def test_tables_show_their_size_and_their_last_batch(person: Client, client: Client) -> None:
    assert "never" in find_row(read_section(person, "tables"), "hiring.departments")
    send_small(client)
    row = find_row(read_section(person, "tables"), "hiring.departments")
    assert f'datetime="{datetime.now(UTC).year}' in row
    assert "KB" in row


def find_row(html: str, table: str) -> str:
    return next(row for row in html.split("<tr>") if f">{table}</a>" in row)


def test_rows_are_those_of_the_statistics(person: Client) -> None:
    with log_in() as admin:
        admin.execute("CREATE TABLE hiring.counted AS SELECT generate_series(1, 6)")
        admin.execute("DELETE FROM hiring.counted WHERE generate_series = 1")
        admin.commit()
        # Otherwise they are told to others within seconds.
        admin.execute("SELECT pg_stat_force_next_flush()")
        admin.commit()
    execute("ANALYZE hiring.jobs")
    tables = read_section(person, "tables")
    assert '"Rows, about">5<' in find_row(tables, "hiring.counted")
    assert '"Rows, about">0<' in find_row(tables, "hiring.jobs")


def test_no_dataset_table_is_read(
    person: Client, client: Client, django_db_setup: set[Table]
) -> None:
    send_small(client)
    tables = sorted(table for table in django_db_setup if table[0] not in {"service", "reports"})
    with log_in() as other:
        names = SQL(", ").join(Identifier(*table) for table in tables)
        other.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
        for address in ("/", "/tables/", "/dashboard.json"):
            answer = person.get(address)
            assert answer.status_code == 200
            assert "hiring.employees" in answer.content.decode()


def test_reports_show_their_open_rejections(person: Client, client: Client) -> None:
    send_small(client)
    send(client, "employees", [{"employee_id": 1}])
    client.post("/api/reports/hires_by_quarter/refresh")
    reports = read_section(person, "reports")
    row = next(row for row in reports.split("<tr>") if "/reports/hires_by_quarter/" in row)
    assert '<a href="/rejections/?state=open">1</a>' in row
    assert "<time" in row


def test_backups_show_the_last_good_and_the_last_proven_one(person: Client, archive: Path) -> None:
    assert read_section(person, "backups").count("never") == 2
    call_command("backup", "--table", "hiring.jobs")
    assert read_section(person, "backups").count("never") == 2  # chosen tables are not all
    made = run_backup()
    backups = read_section(person, "backups")
    assert backups.count("never") == 1
    assert "done" in backups
    (archive / made.folder / MANIFEST_NAME).unlink()
    backups = read_section(person, "backups")
    assert f"{made.folder} is damaged" in backups
    assert backups.count("never") == 2


def test_a_folder_of_backups_that_cannot_be_read_hides_nothing_else(
    person: Client, archive: Path
) -> None:
    shutil.rmtree(archive)
    archive.write_text("no folder")
    assert "cannot be read" in read_section(person, "backups")
    assert "hiring.jobs" in read_section(person, "tables")


def test_without_a_database_a_page_says_so(person: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", "1")
        answers = [person.get(address) for address in (*PAGES, "/dashboard.json")]
    for answer in answers:
        assert answer.status_code == 503
        assert "unavailable" in answer.content.decode()
        assert answer.headers["Retry-After"] == "1"


def test_what_the_database_cannot_tell_in_time_is_answered_503(person: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    try:
        with log_in() as other:
            other.execute("LOCK TABLE service.batch IN ACCESS EXCLUSIVE MODE")
            assert person.get("/").status_code == 503
            assert person.get("/dashboard.json").json()["code"] == "unavailable"
    finally:
        connection.close()


def test_jobs_show_when_they_are_due_and_how_they_ended(person: Client) -> None:
    now = datetime.now(UTC)
    for minutes, outcome in ((3, "ok"), (2, "failed"), (1, "skipped")):
        moment = now - timedelta(minutes=minutes)
        JobRun.objects.create(
            job="back_up", tick=moment, started_at=moment, outcome=outcome, error="disk <full>"
        )
    jobs = read_section(person, "jobs")
    assert all(f">{job.name}<" in jobs for job in list_jobs())
    row = next(row for row in jobs.split("<tr>") if ">back_up<" in row)
    assert ">failed<" in row
    assert "disk &lt;full&gt;" in row
    assert 'data-label="Next run"><time' in row


def test_an_unchanged_dashboard_is_not_sent_again(person: Client, client: Client) -> None:
    def is_unchanged() -> bool:
        found = re.search('data-etag="&quot;(.+?)&quot;"', read_page(person, "/"))
        assert found
        headers = {"If-None-Match": f'"{found[1]}"'}
        answer = person.get("/dashboard.json", headers=headers)
        return (answer.status_code, answer.content) == (304, b"")

    # PostgreSQL may learn of the rows of the test before, or a job become due, between the two.
    wait_until(is_unchanged, "the dashboard is as it was")
    etag = person.get("/dashboard.json").headers["ETag"]
    send_small(client)
    changed = person.get("/dashboard.json", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_the_live_sections_need_a_key_that_may_read(client: Client, api_key: KeyMaker) -> None:
    assert Client().get("/dashboard.json").status_code == 401
    assert client.get("/dashboard.json").status_code == 200
    assert sign_in(api_key("backup")).get("/dashboard.json").status_code == 403
