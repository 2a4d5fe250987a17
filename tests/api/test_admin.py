"""Django's admin under /admin/: the service's records, to be read."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backups.models import BackupRun
from ingest.models import Batch, Rejection, RememberedKey, SocrataMark
from project.http.people import record_admin
from project.models import AppliedSchema, JobRun
from reports.models import Report, ReportRun
from tests.api.sending import execute, send

NAME, PASSWORD = "ada", "analytical engine"


@pytest.fixture
def staff(database: None) -> Client:
    """Return the client of a signed-in superuser."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser(NAME, password=PASSWORD))
    return client


@pytest.fixture
def records(hiring: Client) -> dict[str, Any]:
    """Leave a record of every kind; return the ids of some."""
    rows = [{"department_id": 2, "department_name": "Parks <&>"}, {"department_id": "x"}]
    receipt = send(hiring, "departments", rows, **{"Idempotency-Key": "monday-1"}).json()
    now = timezone.now()
    backup = BackupRun.objects.create(
        id=UUID(int=7),
        kind="backup",
        state="done",
        created_at=now,
        last_batch=receipt["batch"],
        tables=["hiring.departments"],
        report={"hiring.departments": 2},
    )
    BackupRun.objects.create(
        id=UUID(int=8), kind="verify", state="done", backup=backup.pk, created_at=now
    )
    JobRun.objects.create(job="back_up", tick=now, started_at=now, outcome="ok", note="7 tables")
    Report.objects.create(name="hires_by_quarter", last_batch=receipt["batch"])
    ReportRun.objects.create(
        report="hires_by_quarter", started_at=now, duration_ms=1.5, outcome="refreshed"
    )
    SocrataMark.objects.create(name="nyc311", mark=now)
    return {"batch": receipt["batch"], "backup": str(backup.pk)}


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer)
    return answer.content.decode()


def results(page: str) -> int:
    """Return how many records a list shows."""
    body = re.search(r'<table id="result_list">.*?<tbody>(.*?)</tbody>', page, re.S)
    return body[1].count("<tr>") if body else 0


LISTS = {
    "ingest_batch": Batch,
    "ingest_rejection": Rejection,
    "ingest_rememberedkey": RememberedKey,
    "ingest_socratamark": SocrataMark,
    "project_jobrun": JobRun,
    "project_appliedschema": AppliedSchema,
    "reports_report": Report,
    "reports_reportrun": ReportRun,
    "backups_backuprun": BackupRun,
}


def pages() -> Iterator[tuple[str, str]]:
    """Yield every list of records, and the page of a record of each."""
    for name, model in LISTS.items():
        yield name, reverse(f"admin:{name}_changelist")
        record = model._default_manager.first()
        assert record is not None, name
        yield name, reverse(f"admin:{name}_change", args=[record.pk])


def test_every_record_has_a_list_and_a_page(staff: Client, records: dict[str, Any]) -> None:
    index = text(staff, "/admin/")
    for name, address in pages():
        assert reverse(f"admin:{name}_changelist") in index
        text(staff, address)


def test_nobody_adds_changes_or_removes_a_record(staff: Client, records: dict[str, Any]) -> None:
    for name, address in pages():
        assert "_save" not in text(staff, address)
        assert staff.get(reverse(f"admin:{name}_add")).status_code == 403
        if address.endswith("/change/"):
            assert staff.post(address, {}).status_code == 403
            assert staff.post(address.replace("/change/", "/delete/")).status_code == 403


def test_pages_hold_no_script_and_no_style_of_their_own(
    staff: Client, records: dict[str, Any]
) -> None:
    addresses = ["/admin/login/", "/admin/", "/admin/project/apikey/add/"]
    addresses += ["/admin/auth/user/add/", "/admin/oauth2_provider/application/add/"]
    for address in [*addresses, *(address for _, address in pages())]:
        page = text(Client() if "login" in address else staff, address)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page), address
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", page), address
        sources = re.findall(r'(?:<script[^>]*src|<link[^>]*href|<img[^>]*src)="([^"]+)"', page)
        assert sources
        assert all(re.match("/[^/]", source) for source in sources), sources


def test_who_is_not_signed_in_is_asked_to(database: None) -> None:
    for address in ("/admin/", "/admin/ingest/batch/"):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")
    assert Client().get("/admin")["Location"] == "/admin/"


def test_an_api_key_opens_no_page(client: Client) -> None:
    assert client.get("/admin/ingest/batch/").status_code == 302


def test_a_batch_leads_to_its_rejections_backups_and_key(
    staff: Client, records: dict[str, Any]
) -> None:
    batch = text(staff, f"/admin/ingest/batch/{records['batch']}/change/")
    for address in re.findall(r'href="([^"]+\?q=[^"]+)"', batch):
        assert results(text(staff, address)) == 1, address
    assert batch.count("?q=") == 2
    key = reverse("admin:ingest_rememberedkey_change", args=[records["batch"]])
    assert f'<a href="{key}">monday-1</a>' in batch
    assert f"/admin/ingest/batch/{records['batch']}/change/" in text(staff, key)
    rejection = Rejection.objects.get()
    page = text(staff, f"/admin/ingest/rejection/{rejection.pk}/change/")
    assert f"/admin/ingest/batch/{records['batch']}/change/" in page
    assert "department_name is required" in page
    assert "{&quot;department_id&quot;: &quot;x&quot;}" in page


def test_a_backup_leads_to_its_last_batch_and_a_check_to_its_backup(
    staff: Client, records: dict[str, Any]
) -> None:
    backup = f"/admin/backups/backuprun/{records['backup']}/change/"
    assert f"/admin/ingest/batch/{records['batch']}/change/" in text(staff, backup)
    assert backup in text(staff, f"/admin/backups/backuprun/{UUID(int=8)}/change/")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ingest/batch/?q={batch}", 1),
        ("ingest/batch/?q=monday-1", 1),
        ("ingest/batch/?q=hiring.departments", 2),
        ("ingest/batch/?q=nothing", 0),
        ("ingest/batch/?q=%00", 3),
        ("ingest/batch/?table_name=hiring.jobs", 1),
        ("ingest/batch/?when=hour&outcome=rejected", 1),
        ("ingest/batch/?outcome=clean", 2),
        ("ingest/rejection/?q={batch}", 1),
        ("ingest/rejection/?q=99999999999999999999", 0),
        ("ingest/rejection/?code=required_missing&when=day&state=open", 1),
        ("ingest/rejection/?code=fk_violation", 0),
        ("ingest/rememberedkey/?q=monday-1", 1),
        ("ingest/rememberedkey/?q={batch}", 1),
        ("ingest/rememberedkey/?q=tuesday-1", 0),
        ("ingest/rememberedkey/?state=remembered&when=day", 1),
        ("ingest/rememberedkey/?state=expired", 0),
        ("project/jobrun/?job=back_up&outcome=ok", 1),
        ("project/jobrun/?q=tables", 1),
        ("reports/report/?q=quarter", 1),
        ("reports/reportrun/?report=hires_by_quarter", 1),
        ("backups/backuprun/?q={backup}", 2),
        ("backups/backuprun/?q=hiring.departments", 1),
        ("backups/backuprun/?kind=verify", 1),
    ],
)
def test_searches_and_filters_find(
    staff: Client, records: dict[str, Any], search: str, found: int
) -> None:
    page = text(staff, "/admin/" + search.format(**records))
    assert results(page) == found


def test_lists_count_no_table_to_its_end(
    staff: Client, records: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_admin, "EXACT_COUNT", 1)
    execute("ANALYZE service.batch")
    with CaptureQueriesContext(connection) as captured:
        page = text(staff, "/admin/ingest/batch/")
    counts = [one["sql"] for one in captured if "COUNT(" in one["sql"].upper()]
    assert counts
    assert all("LIMIT 2" in sql for sql in counts), counts
    assert "3 batches" in page  # the planner's estimate


def test_pages_end_where_a_table_would_be_read_for_nothing(
    staff: Client, records: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_admin, "MAX_PAGES", 2)
    monkeypatch.setattr(record_admin.RecordAdmin, "list_per_page", 1)
    assert results(text(staff, "/admin/ingest/batch/?p=2")) == 1
    assert staff.get("/admin/ingest/batch/?p=3").status_code == 302


def test_the_service_s_own_role_suffices(server: str, records: dict[str, Any]) -> None:
    get_user_model().objects.create_superuser(NAME, password=PASSWORD)
    with httpx.Client(base_url=server, follow_redirects=True, timeout=60) as browser:
        browser.get("/admin/login/")
        form = {"username": NAME, "password": PASSWORD, "next": "/admin/"}
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert "Log out" in browser.post("/admin/login/", data=form | token).text
        for _, address in pages():
            assert browser.get(address).status_code == 200, address
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        made = browser.post(
            "/admin/project/apikey/add/", data=token | {"name": "a", "scopes": "read"}
        )
        assert 'id="api-key"' in made.text
        assert browser.get("/static/admin/css/base.css").status_code == 200
