"""Passwords are guessed a few times only, whichever page asks for them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.utils import timezone
from msgspec.structs import replace
from pytest_django import Settings

from project.http.access.logins import ATTEMPTS_A_NAME, ATTEMPTS_AN_ADDRESS, ATTEMPTS_OF_ALL
from project.http.errors import TooManyAttempts
from project.models import LoginAttempt
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")

PASSWORD = "correct horse battery"
PAGE = "/open311/oauth/login"


@pytest.fixture(autouse=True)
def users(database: None) -> None:
    for name in ("ana", "ben"):
        User.objects.create_user(name, password=PASSWORD)


def log_in(name: str, password: str) -> Any:
    return Client().post(PAGE, {"username": name, "password": password})


def test_the_sixth_guess_is_not_looked_at() -> None:
    for _ in range(ATTEMPTS_A_NAME):
        assert log_in("ana", "wrong").status_code == 200  # the form again
    answer = log_in("ana", PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer["Retry-After"]) == 300
    assert log_in("ben", PASSWORD).status_code == 302


def test_the_count_is_the_same_wherever_a_password_is_asked_for(rf: RequestFactory) -> None:
    request = rf.get("/")
    for _ in range(ATTEMPTS_A_NAME):
        assert authenticate(request, username="ana", password="wrong") is None
    assert log_in("ana", PASSWORD).status_code == 429
    with pytest.raises(TooManyAttempts):
        authenticate(request, username="ana", password=PASSWORD)


def test_a_name_that_nobody_has_is_counted_like_any_other() -> None:
    statuses = [log_in("nobody", "wrong").status_code for _ in range(ATTEMPTS_A_NAME + 1)]
    assert statuses == [200] * ATTEMPTS_A_NAME + [429]


def test_a_right_password_forgets_the_wrong_ones() -> None:
    for _ in range(ATTEMPTS_A_NAME - 1):
        log_in("ana", "wrong")
    assert log_in("ana", PASSWORD).status_code == 302
    assert not LoginAttempt.objects.exists()


def test_after_five_minutes_a_name_is_free_again() -> None:
    for _ in range(ATTEMPTS_A_NAME):
        log_in("ana", "wrong")
    LoginAttempt.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert log_in("ana", PASSWORD).status_code == 302


def test_one_password_is_not_tried_on_every_name() -> None:
    now = timezone.now()
    LoginAttempt.objects.bulk_create(
        LoginAttempt(name=f"name {number}", address="127.0.0.1", at=now)
        for number in range(ATTEMPTS_AN_ADDRESS)
    )
    assert log_in("ana", PASSWORD).status_code == 429


def test_guesses_from_elsewhere_lock_nobody_out(api_key: KeyMaker) -> None:
    now = timezone.now()
    guesses = [("ana", "10.0.0.1", ATTEMPTS_A_NAME), ("ben", "10.0.0.2", ATTEMPTS_OF_ALL)]
    LoginAttempt.objects.bulk_create(
        LoginAttempt(name=name, address=address, at=now)
        for name, address, count in guesses
        for _ in range(count)
    )
    assert log_in("ana", PASSWORD).status_code == 302
    assert log_in("ben", PASSWORD).status_code == 429  # of very many: not even from here
    browser = Client()
    assert browser.post("/login/", {"key": api_key("read")}).status_code == 302
    assert browser.get("/api/batches").status_code == 200


@pytest.mark.parametrize(
    ("is_production", "headers", "expected"),
    [
        (False, {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}, "10.0.0.1"),
        (True, {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "9.9.9.9, 1.2.3.4"}, "1.2.3.4"),
        (True, {"REMOTE_ADDR": "10.0.0.1"}, "10.0.0.1"),
        (False, {"REMOTE_ADDR": "2001:db8:0:1:2::3"}, "2001:db8:0:1::/64"),
        (False, {"REMOTE_ADDR": "x"}, ""),
    ],
)
def test_an_attempt_is_counted_where_it_came_from(
    settings: Settings, is_production: bool, headers: dict[str, str], expected: str
) -> None:
    http = replace(settings.CONFIG.http, production=is_production)
    settings.CONFIG = replace(settings.CONFIG, http=http)
    Client(**headers).post(PAGE, {"username": "ana", "password": "wrong"})  # type: ignore[arg-type]
    assert LoginAttempt.objects.get().address == expected


def test_the_admin_is_no_way_around() -> None:
    User.objects.create_superuser("root", password=PASSWORD)

    def enter(password: str, name: str = "root") -> Any:
        fields = {"username": name, "password": password, "next": "/admin/"}
        return Client().post("/admin/login/", fields)

    for _ in range(ATTEMPTS_A_NAME):
        answer = enter("wrong")
        assert answer.status_code == 200
        assert "errornote" in answer.content.decode()
    answer = enter(PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer["Retry-After"]) == 300
    assert log_in("root", PASSWORD).status_code == 429  # nor is another page
    assert not Session.objects.exists()
    assert enter("wrong", "ana").status_code == 200
    LoginAttempt.objects.update(at=timezone.now() - timedelta(minutes=5))
    answer = enter(PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
