"""/login/ and /logout/, and what a session may do."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from project.http.access.logins import ATTEMPTS_A_NAME
from project.http.access.sessions import expire_sessions
from project.models import ApiKey
from tests.conftest import KeyMaker, Publish

pytestmark = pytest.mark.usefixtures("database")

ROWS = [{"department_id": 1, "department_name": "A"}]


@pytest.fixture
def browser() -> Client:
    """Return a client that is held to tokens, as browsers are, with the cookie of one."""
    client = Client(enforce_csrf_checks=True)
    client.get("/login/")
    return client


def read_token(client: Client) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', _page(client))
    assert found
    return found[1]


def _page(client: Client) -> str:
    return client.get("/login/").content.decode()


def log_in(client: Client, **fields: str) -> int:
    answer = client.post("/login/", fields | {"csrfmiddlewaretoken": read_token(client)})
    return answer.status_code


def send(client: Client, **headers: str) -> int:
    answer = client.post(
        "/api/ingest/departments", ROWS, content_type="application/json", headers=headers
    )
    return answer.status_code


def test_a_session_calls_the_api_with_the_token_of_its_page_only(
    browser: Client, api_key: KeyMaker
) -> None:
    assert log_in(browser, key=api_key("ingest")) == 302
    answer = browser.post("/api/ingest/departments", ROWS, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert send(browser, **{"X-CSRFToken": read_token(browser)}) == 201


def test_the_session_holds_no_key(browser: Client, api_key: KeyMaker) -> None:
    secret = api_key("read")
    assert log_in(browser, key=secret) == 302
    held = Session.objects.get().get_decoded()
    assert held == {"api_key_prefix": secret.partition(".")[0]}


@pytest.mark.parametrize("change", ["revoked", "expired", "deleted"])
def test_a_key_that_ends_ends_its_session(browser: Client, api_key: KeyMaker, change: str) -> None:
    assert log_in(browser, key=api_key("read")) == 302
    assert browser.get("/api/batches").status_code == 200
    if change == "revoked":
        ApiKey.objects.update(revoked=True)
    elif change == "expired":
        ApiKey.objects.update(expiry_date=timezone.now() - timedelta(seconds=1))
    else:
        ApiKey.objects.all().delete()
    assert browser.get("/api/batches").status_code == 401
    assert not Session.objects.exists()


def test_scopes_and_tables_of_the_key_hold_for_its_session(
    browser: Client, api_key: KeyMaker
) -> None:
    assert log_in(browser, key=api_key("ingest", tables=["nyc311"])) == 302
    assert browser.get("/api/batches").status_code == 403
    assert send(browser, **{"X-CSRFToken": read_token(browser)}) == 403


def test_a_superuser_may_do_everything(browser: Client) -> None:
    User.objects.create_superuser("ann", password="correct horse")
    assert log_in(browser, username="ann", password="correct horse") == 302
    assert send(browser, **{"X-CSRFToken": read_token(browser)}) == 201
    assert browser.get("/api/batches").json()["results"][0]["key_prefix"].startswith("user:")


def test_a_member_of_staff_may_do_what_the_permissions_say(browser: Client) -> None:
    ann = User.objects.create_user("ann", password="correct horse", is_staff=True)
    assert log_in(browser, username="ann", password="correct horse") == 302
    token = {"X-CSRFToken": read_token(browser)}
    assert browser.get("/api/batches").json()["code"] == "scope_missing"
    assert send(browser, **token) == 403
    ann.user_permissions.add(Permission.objects.get(codename="api_ingest"))
    assert send(browser, **token) == 201
    assert browser.get("/api/batches").status_code == 403


def test_a_user_who_is_no_member_of_staff_gets_no_session_and_no_data(
    browser: Client, client: Client
) -> None:
    user = User.objects.create_user("bob", password="correct horse")
    assert log_in(browser, username="bob", password="correct horse") == 401
    other = Client()
    other.force_login(user)
    assert other.get("/api/batches").status_code == 401


def test_passwords_cannot_be_guessed_for_long(browser: Client) -> None:
    User.objects.create_user("ann", password="correct horse", is_staff=True)
    for _ in range(ATTEMPTS_A_NAME):
        assert log_in(browser, username="ann", password="wrong") == 401
    assert log_in(browser, username="ann", password="correct horse") == 429
    assert log_in(browser, username="bob", password="wrong") == 401
    assert not other_login_takes("ann", "correct horse")
    User.objects.create_user("eve", password="correct horse")
    assert other_login_takes("eve", "correct horse")


def other_login_takes(name: str, password: str) -> bool:
    fields = {"username": name, "password": password}
    return Client().post("/open311/oauth/login", fields).status_code == 302


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("/reports/?a=b", "/reports/?a=b"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
        ("", "/"),
    ],
)
def test_logging_in_leads_nowhere_else(
    browser: Client, api_key: KeyMaker, asked: str, target: str
) -> None:
    fields = {"key": api_key("read"), "next": asked, "csrfmiddlewaretoken": read_token(browser)}
    assert browser.post("/login/", fields).headers["Location"] == target


def test_a_form_from_elsewhere_is_refused(browser: Client, api_key: KeyMaker) -> None:
    answer = browser.post("/login/", {"key": api_key("read")})
    assert answer.status_code == 403
    assert "csrf_failed" in answer.content.decode()
    assert not Session.objects.exists()


def test_logging_out_ends_the_session(browser: Client, api_key: KeyMaker) -> None:
    assert log_in(browser, key=api_key("read")) == 302
    assert browser.get("/logout/").status_code == 405
    token = read_token(browser)
    assert browser.post("/logout/", {"csrfmiddlewaretoken": token}).status_code == 302
    assert browser.get("/api/batches").status_code == 401
    assert not Session.objects.exists()


def test_a_new_login_leaves_nothing_of_the_old_one(browser: Client, api_key: KeyMaker) -> None:
    User.objects.create_user("ann", password="correct horse", is_staff=True)
    assert log_in(browser, username="ann", password="correct horse") == 302
    assert log_in(browser, key=api_key("read")) == 302
    assert browser.get("/api/batches").status_code == 200
    assert send(browser, **{"X-CSRFToken": read_token(browser)}) == 403


def test_expired_sessions_are_deleted(browser: Client, api_key: KeyMaker) -> None:
    assert log_in(browser, key=api_key("read")) == 302
    expire_sessions()
    assert Session.objects.count() == 1
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    expire_sessions()
    assert not Session.objects.exists()


def test_a_report_page_is_another_one_for_who_is_signed_in(
    browser: Client, client: Client, api_key: KeyMaker, publish: Publish
) -> None:
    publish(hiring=True)
    client.post("/api/reports/hires_by_quarter/refresh")
    address = "/reports/hires_by_quarter/"
    etag = browser.get(address).headers["ETag"]
    assert browser.get(address, headers={"If-None-Match": etag}).status_code == 304
    assert log_in(browser, key=api_key("read")) == 302
    answer = browser.get(address, headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert "Log out" in answer.content.decode()
