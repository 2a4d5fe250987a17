"""API keys in Django's admin: made, shown once, revoked."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from project.http.access.keys import forget_trusted_keys
from project.models import ApiKey

LIST = "/admin/project/apikey/"
ADD = f"{LIST}add/"


@pytest.fixture
def staff(database: None) -> Client:
    """Return the client of a signed-in superuser."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ada", password="engine"))
    return client


def make(staff: Client, **form: Any) -> tuple[Any, str]:
    """Fill the form in; return the answer and the key it shows."""
    answer = staff.post(ADD, {"name": "loader", "scopes": ["ingest", "read"], **form})
    shown = re.search(r'<pre id="api-key">([^<]+)</pre>', answer.content.decode())
    return answer, shown[1] if shown else ""


def read_with(secret: str) -> int:
    forget_trusted_keys()
    client = Client(headers={"Authorization": f"Api-Key {secret}"})
    return int(client.get("/api/batches").status_code)


def test_a_key_is_made_and_shown_once(staff: Client) -> None:
    answer, secret = make(staff, tables="hiring.jobs, nyc311")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert read_with(secret) == 200
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.tables) == (
        "loader",
        ["ingest", "read"],
        ["hiring.jobs", "nyc311"],
    )
    assert secret not in str(staff.session.items())
    for address in (LIST, f"{LIST}{key.prefix}/change/", f"{LIST}{key.prefix}/history/", "/admin/"):
        page = staff.get(address)
        assert page.status_code == 200
        assert secret.partition(".")[2] not in page.content.decode()


def test_the_hash_is_in_no_page_address_or_record(staff: Client) -> None:
    make(staff)
    key = ApiKey.objects.get()
    staff.post(f"{LIST}{key.prefix}/change/", {"revoked": "on"})
    hashed = key.hashed_key.rpartition("$")[2]
    for address in (LIST, f"{LIST}{key.prefix}/change/", f"{LIST}{key.prefix}/history/", "/admin/"):
        assert hashed not in staff.get(address).content.decode()
    entries = list(LogEntry.objects.values_list("object_id", "action_flag"))
    assert sorted(entries) == [(key.prefix, 1), (key.prefix, 2)]


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"name": " "}, "This field is required."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["everything"]}, "Select a valid choice."),
        ({"tables": "elsewhere.jobs"}, "elsewhere.jobs: name a dataset"),
        ({"scopes": ["read"], "tables": "hiring"}, "Tables limit the scope ingest"),
        (
            {"expiry_date_0": "2020-01-01", "expiry_date_1": "00:00"},
            "The key would have expired already",
        ),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    staff: Client, form: dict[str, Any], problem: str
) -> None:
    answer, secret = make(staff, **form)
    assert problem in answer.content.decode()
    assert not secret
    assert not ApiKey.objects.exists()


def test_a_revoked_key_stops_working_and_stays_revoked(staff: Client) -> None:
    _, secret = make(staff)
    page = f"{LIST}{ApiKey.objects.get().prefix}/change/"
    assert staff.post(page, {"revoked": "on"}).status_code == 302
    assert read_with(secret) == 401
    staff.post(page, {})
    assert ApiKey.objects.get().revoked
    assert "revoked" in staff.get(LIST).content.decode()


def test_nothing_but_revoking_changes_a_key(staff: Client) -> None:
    make(staff)
    key = ApiKey.objects.get()
    staff.post(f"{LIST}{key.prefix}/change/", {"name": "other", "scopes": ["admin"]})
    changed = ApiKey.objects.get()
    assert (changed.name, changed.scopes, changed.revoked) == (key.name, key.scopes, False)
    assert staff.post(f"{LIST}{key.prefix}/delete/").status_code == 403


def test_an_expiry_is_kept(staff: Client) -> None:
    day = (timezone.now() + timedelta(days=40)).strftime("%Y-%m-%d")
    make(staff, expiry_date_0=day, expiry_date_1="12:30")
    assert f"{ApiKey.objects.get().expiry_date:%Y-%m-%dT%H:%M%z}" == f"{day}T12:30+0000"


def test_the_library_s_own_keys_are_not_offered(staff: Client) -> None:
    assert "rest_framework_api_key" not in staff.get("/admin/").content.decode()


def test_who_may_only_look_makes_no_key(database: None) -> None:
    client = Client()
    user = get_user_model().objects.create_user("eve", password="x", is_staff=True)
    client.force_login(user)
    assert client.get(ADD).status_code == 403
    assert client.get(LIST).status_code == 403
