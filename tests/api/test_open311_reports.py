"""POST /open311/api: reports and notes, through the ingest writer, with OAuth2."""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from oauth2_provider.models import AccessToken, Application

from project.base.database import writer_connection
from tests.api.open311 import GRAFFITI, call, load, load_city, make_token, post
from tests.api.sending import stored

pytestmark = pytest.mark.usefixtures("database")

REPORT = {
    "service_id": "2",
    "latitude": "37.23",
    "longitude": "-122.45",
    "description": "Still%20leaking%20%E2%80%93%20badly",
}
REDIRECT = "https://app.example.org/done"


@pytest.fixture(autouse=True)
def city(client: Client) -> Client:
    load_city(client)
    return client


@pytest.fixture
def token() -> str:
    return make_token("open311.report open311.note")


def test_a_report_becomes_an_incident(token: str) -> None:
    answer = post("incidents.report", token, **REPORT)
    assert answer.status_code == 201, answer.content
    incident = answer.json()["incident"]
    assert incident["created"] == incident["modified"]
    assert incident["id"] > 999
    assert incident == {
        "id": incident["id"],
        "service_id": 2,
        "status_id": 1,
        "created": incident["created"],
        "modified": incident["modified"],
        "latitude": 37.23,
        "longitude": -122.45,
        "description": "Still leaking – badly",
    }
    shown = call("incidents.getInfo", incident_id=incident["id"]).json()["incident"]
    assert (shown["source"], shown["status_name"]) == ("Street app", "open")
    history = call("incidents.getHistory", incident_id=incident["id"]).json()["history"]
    assert [each["status_id"] for each in history] == [1]


def test_a_report_may_be_json(token: str) -> None:
    body = {
        "method": "open311.incidents.report",
        "service_id": 2,
        "latitude": 37.23,
        "longitude": -122.45,
    }
    answer = Client().post(
        "/open311/api",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["incident"]["latitude"] == 37.23


def test_a_report_has_a_receipt_like_any_batch(token: str) -> None:
    post("incidents.report", token, **REPORT)
    rows = stored(
        "SELECT table_name, received, inserted FROM service.batch WHERE key_prefix LIKE 'oauth:%'"
    )
    assert rows == [("open311.incidents", 1, 1)]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"service_id": None}, [("required_missing", "service_id")]),
        ({"service_id": "77"}, [("fk_violation", "service_id")]),
        ({"latitude": "91"}, [("check_violation", "latitude")]),
        (
            {"latitude": "north", "service_id": "x"},
            [("not_integer", "service_id"), ("not_number", "latitude")],
        ),
        ({"zip": "1" * 21}, [("too_long", "zip")]),
        ({"description": "a%00b"}, [("nul_character", "description")]),
    ],
)
def test_a_bad_report_is_rejected_with_all_codes_and_logged(
    token: str, changes: dict[str, Any], codes: list[tuple[str, str | None]]
) -> None:
    parameters = {key: value for key, value in (REPORT | changes).items() if value is not None}
    answer = post("incidents.report", token, **parameters)
    assert answer.status_code == 422, answer.content
    error = answer.json()["error"]
    assert error["code"] == "report_rejected"
    assert sorted((e["code"], e.get("column")) for e in error["errors"]) == sorted(codes)
    logged = stored("SELECT table_name, batch_id::text, codes FROM service.rejection")
    assert logged == [
        ("open311.incidents", error["batch"], sorted({code for code, _ in codes})),
    ]


def test_a_reporter_cannot_set_what_is_the_services(token: str) -> None:
    answer = post("incidents.report", token, **REPORT, status_id="3")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "parameter_unknown"
    assert stored("SELECT count(*) FROM open311.incidents") == [(2,)]


def test_a_note_is_private_unless_public(token: str) -> None:
    first = post("incidents.addNote", token, incident_id="999", note="call%20Ann")
    second = post("incidents.addNote", token, incident_id="999", note="worse", public="1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["note"]["public"] == 0
    note = second.json()["note"]
    assert note == {
        "id": note["id"],
        "incident_id": 999,
        "created": note["created"],
        "note": "worse",
        "public": 1,
    }
    shown = call("incidents.getInfo", incident_id=999).json()["incident"]["notes"]
    assert [each["note"] for each in shown] == ["worse"]


def test_a_note_about_no_incident_is_refused_and_logged(token: str) -> None:
    answer = post("incidents.addNote", token, incident_id="5", note="?")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "incident_unknown")
    assert stored("SELECT table_name, codes FROM service.rejection") == [
        ("open311.incident_notes", ["fk_violation"])
    ]


def test_ids_are_given_out_above_those_that_were_loaded(city: Client, token: str) -> None:
    first = post("incidents.report", token, **REPORT).json()["incident"]["id"]
    load(city, "incidents", [GRAFFITI | {"incident_id": first + 5000}])
    load(city, "incidents", [GRAFFITI | {"incident_id": 70}])
    second = post("incidents.report", token, **REPORT).json()["incident"]["id"]
    assert second == first + 5001


@pytest.mark.session
def test_a_report_that_meets_a_lost_connection_may_be_sent_again(token: str) -> None:
    pid = writer_connection().info.backend_pid
    assert stored("SELECT pg_terminate_backend(%s, 5000)", [pid]) == [(True,)]
    answer = post("incidents.report", token, **REPORT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert post("incidents.report", token, **REPORT).status_code == 201


def test_a_search_with_a_token_finds_what_its_user_reported() -> None:
    ann, ben = (User.objects.create_user(name) for name in ("ann", "ben"))
    reported = {
        user.username: post(
            "incidents.report", make_token("open311.report", user), **REPORT
        ).json()["incident"]["id"]
        for user in (ann, ben)
    }
    answer = Client().get(
        "/open311/api",
        {"method": "open311.incidents.search"},
        headers={"Authorization": f"Bearer {make_token('', ann)}"},
    )
    assert [each["id"] for each in answer.json()["incidents"]] == [reported["ann"]]


def test_a_report_needs_a_token_with_the_scope() -> None:
    none = post("incidents.report", **REPORT)
    wrong = post("incidents.report", "nonsense", **REPORT)
    other = post("incidents.report", make_token("open311.note"), **REPORT)
    seen = [(each.status_code, each.json()["error"]["code"]) for each in (none, wrong, other)]
    assert seen == [
        (401, "token_required"),
        (401, "token_invalid"),
        (403, "scope_insufficient"),
    ]
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    assert stored("SELECT count(*) FROM open311.incidents") == [(2,)]


def test_a_token_of_a_user_who_was_shut_out_is_refused() -> None:
    ann = User.objects.create_user("ann", is_active=False)
    answer = post("incidents.report", make_token("open311.report", ann), **REPORT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid")


def test_an_application_gets_a_token_with_its_own_credentials() -> None:
    application = Application(
        name="Kiosk",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    secret = application.client_secret
    application.save()
    proof = base64.b64encode(f"{application.client_id}:{secret}".encode()).decode()
    answer = Client().post(
        "/open311/oauth/token",
        {"grant_type": "client_credentials", "scope": "open311.report"},
        headers={"Authorization": f"Basic {proof}"},
    )
    assert answer.status_code == 200, answer.content
    report = post("incidents.report", answer.json()["access_token"], **REPORT)
    assert report.status_code == 201, report.content
    kept = stored("SELECT token FROM service.oauth2_provider_accesstoken")
    assert len(kept) == 1
    assert answer.json()["access_token"] not in kept[0]


def test_a_person_lets_an_application_report_with_pkce() -> None:
    User.objects.create_user("ann", password="a long enough one")
    application = Application.objects.create(
        name="Street app",
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=REDIRECT,
    )
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    asked = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": REDIRECT,
        "scope": "open311.report",
        "state": "xyz",
        "code_challenge": challenge.decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    browser = Client()
    address = f"/open311/oauth/authorize?{urlencode(asked)}"
    to_log_in = browser.get(address)
    assert to_log_in.status_code == 302
    assert to_log_in.headers["Location"].startswith("/open311/oauth/login?next=")
    logged_in = browser.post(
        to_log_in.headers["Location"], {"username": "ann", "password": "a long enough one"}
    )
    assert logged_in.headers["Location"] == address
    form = browser.get(address)
    text = form.content.decode()
    assert "Allow Street app?" in text
    assert "Report incidents" in text
    assert "style-src 'self'" in form.headers["Content-Security-Policy"]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    allowed = browser.post(address, hidden | {"allow": "Authorize"})
    given = parse_qs(urlsplit(allowed.headers["Location"]).query)
    assert given["state"] == ["xyz"]
    exchange = {
        "grant_type": "authorization_code",
        "code": given["code"][0],
        "redirect_uri": REDIRECT,
        "client_id": application.client_id,
    }
    refused = Client().post("/open311/oauth/token", exchange | {"code_verifier": "w" * 64})
    assert refused.status_code == 400
    token = Client().post("/open311/oauth/token", exchange | {"code_verifier": verifier})
    assert token.status_code == 200, token.content
    report = post("incidents.report", token.json()["access_token"], **REPORT)
    assert report.status_code == 201, report.content
    user = AccessToken.objects.get().user
    assert stored("SELECT reporter FROM open311.incidents WHERE reporter <> 'user:0'") == [
        (f"user:{user.pk}",)
    ]


def test_a_code_without_pkce_is_refused() -> None:
    User.objects.create_user("ann", password="a long enough one")
    application = Application.objects.create(
        name="Old app",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=REDIRECT,
    )
    browser = Client()
    browser.login(username="ann", password="a long enough one")
    asked = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": REDIRECT,
    }
    answer = browser.get(f"/open311/oauth/authorize?{urlencode(asked)}")
    assert "error=invalid_request" in answer.headers["Location"]
