"""API keys: hashed, exchanged without a gap, revoked at once, kept out of addresses and backups."""

import hmac
import io
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from backups.runs.runs import run_backup
from backups.store.archive import find_backup
from project.http.access import keys
from project.models import ApiKey
from tests.api.sending import send, stored
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock by which a checked key is trusted."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(keys, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def ask(key: str, address: str = "/api/batches") -> int:
    return Client(headers={"Authorization": f"Api-Key {key}"}).get(address).status_code


def make_key(*arguments: str) -> str:
    output = io.StringIO()
    call_command("create_api_key", "city", "--scope", "read", *arguments, stdout=output)
    return output.getvalue().strip()


def test_only_a_hash_of_a_key_is_stored() -> None:
    key = make_key()
    assert ask(key) == 200
    secret = key.partition(".")[2]
    tables = stored(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'service'"
    )
    rows = [row for (table,) in tables for row in stored(f"SELECT t::text FROM {table} t")]
    assert any(key.partition(".")[0] in text for (text,) in rows)
    assert not any(secret in text for (text,) in rows)


def test_two_keys_live_at_once_and_the_old_one_goes_when_it_is_revoked() -> None:
    old, new = make_key(), make_key()
    assert (ask(old), ask(new)) == (200, 200)
    ApiKey.objects.filter(prefix=old.partition(".")[0]).update(revoked=True)
    keys.forget_trusted_keys()
    assert (ask(old), ask(new)) == (401, 200)


def test_a_revoked_key_is_refused_within_a_second(clock: SimpleNamespace) -> None:
    key = make_key()
    assert ask(key) == 200
    ApiKey.objects.update(revoked=True)
    clock.now += 1
    assert ask(key) == 401


def test_a_key_that_is_used_all_the_time_is_still_looked_up(clock: SimpleNamespace) -> None:
    key = make_key()
    assert ask(key) == 200
    clock.now += 0.5
    assert ask(key) == 200
    ApiKey.objects.update(revoked=True)
    clock.now += 0.5
    assert ask(key) == 401


def test_a_key_ends_when_it_expires(api_key: KeyMaker) -> None:
    tomorrow, yesterday = (timezone.now() + timedelta(days=days) for days in (1, -1))
    assert ask(api_key("read", expiry_date=tomorrow)) == 200
    assert ask(api_key("read", expiry_date=yesterday)) == 401


def test_the_last_use_is_known_to_the_minute(clock: SimpleNamespace) -> None:
    key = make_key()
    assert ApiKey.objects.get().last_used_at is None
    began = timezone.now()
    ask(key)
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    assert first >= began
    clock.now += 1
    ask(key)
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=began - timedelta(minutes=2))
    clock.now += 1
    ask(key)
    assert ApiKey.objects.get().last_used_at >= first  # type: ignore[operator]


def test_a_wrong_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key()
    compared: list[tuple[Any, Any]] = []

    def compare(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr("django.utils.crypto.secrets.compare_digest", compare)
    assert ask(f"{key[:-1]}{'a' if key[-1] != 'a' else 'b'}") == 401
    assert len(compared) == 1
    assert not any(key.partition(".")[2] in str(pair) for pair in compared)


@pytest.mark.parametrize("name", ["key", "api_key", "apikey", "access_token", "Authorization"])
def test_a_key_in_an_address_opens_nothing(name: str) -> None:
    assert Client().get("/api/batches", {name: make_key()}).status_code == 401


def test_a_backup_holds_no_key(whole_archive: Path, api_key: KeyMaker) -> None:
    key = api_key("ingest")
    client = Client(headers={"Authorization": f"Api-Key {key}"})
    rows = [{"job_id": 1, "job_name": "Clerk"}, {"job_id": 2}]
    assert send(client, "jobs", rows).status_code == 207
    backup = find_backup(str(run_backup(codec="null").pk))
    hashed = ApiKey.objects.get().hashed_key
    for path in backup.folder.iterdir():
        held = path.read_bytes()
        assert key.partition(".")[2].encode() not in held
        assert hashed.encode() not in held
