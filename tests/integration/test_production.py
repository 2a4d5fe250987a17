"""What a production start needs, and what it answers."""

import http.client
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.serving import serving

ROOT = Path(__file__).parents[2]
ASK = """
from django.test import Client
plain, tls = {"Host": "localhost"}, {"Host": "localhost", "X-Forwarded-Proto": "https"}
redirect = Client(headers=plain).get("/docs/errors")
print(redirect.status_code, redirect["Location"])
print("probe", Client(headers=plain).get("/healthz").status_code)
answer = Client(headers=tls).get("/docs/errors")
print(answer.status_code, answer["Strict-Transport-Security"])
"""


def run(
    tmp_path: Path, *arguments: str, production: bool, far: bool = False, **changes: str
) -> str:
    """Return what a command says, and its exit status."""
    config = write_config(tmp_path, production=production, far=far)
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment | {"ROWHOUSE_CONFIG": str(config)} | changes,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.stdout}{done.stderr}exit {done.returncode}"


def write_config(folder: Path, *, production: bool, far: bool = False) -> Path:
    """Return settings; with `far` HSTS holds for subdomains and browsers may preload it."""
    text = (ROOT / "rest_conf.yml").read_text()
    for name in ("hsts_subdomains", "hsts_preload"):
        text = text.replace(f"{name}: false", f"{name}: {far}".lower())
    assert "production: false" in text
    config = folder / "rest_conf.yml"
    config.write_text(text.replace("production: false", f"production: {production}".lower()))
    return config


def make_secret() -> str:
    return secrets.token_urlsafe(50)


@pytest.mark.parametrize("production", [False, True])
def test_the_checks_for_deployment_find_nothing(tmp_path: Path, production: bool) -> None:
    check = ("check", "--deploy", "--fail-level", "DEBUG")
    said = run(tmp_path, *check, production=production, SECRET_KEY=make_secret())
    assert said.startswith("System check identified no issues")
    assert said.endswith("exit 0")


def test_a_short_secret_does_not_pass_the_checks(tmp_path: Path) -> None:
    check = ("check", "--deploy", "--fail-level", "WARNING")
    assert "security.W009" in run(tmp_path, *check, production=True, SECRET_KEY="short")


def test_production_does_not_start_without_a_secret(tmp_path: Path) -> None:
    said = run(tmp_path, "up", production=True, ROWHOUSE_DATA=str(tmp_path))
    assert said.startswith("config_invalid: SECRET_KEY: ")
    assert said.endswith("exit 1")
    assert not (tmp_path / "secrets" / "secret_key").exists()


def test_elsewhere_a_secret_is_made_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    run(tmp_path, "check", production=False, ROWHOUSE_DATA=str(tmp_path))
    file = tmp_path / "secrets" / "secret_key"
    made = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(made) >= 50
    run(tmp_path, "check", production=False, ROWHOUSE_DATA=str(tmp_path))
    assert file.read_text() == made


@pytest.mark.parametrize(
    ("far", "header"),
    [(False, "max-age=31536000"), (True, "max-age=31536000; includeSubDomains; preload")],
)
def test_production_answers_by_https_alone(tmp_path: Path, far: bool, header: str) -> None:
    said = run(tmp_path, "shell", "-c", ASK, production=True, far=far, SECRET_KEY=make_secret())
    assert "301 https://localhost/docs/errors\n" in said
    assert "probe 200\n" in said
    assert f"200 {header}\n" in said


@pytest.fixture(scope="module")
def production(django_db_setup: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the test database as production does; yield the base URL."""
    folder = tmp_path_factory.mktemp("production")
    config = write_config(folder, production=True)
    changes = {"ROWHOUSE_CONFIG": str(config), "SECRET_KEY": make_secret()}
    with serving(folder / "output", environment=changes) as url:
        yield url


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("X-Forwarded-Proto", 200),
        ("X_Forwarded_Proto", 301),
        ("X-Forwarded_Proto", 301),
        ("X_FORWARDED-PROTO", 301),
    ],
)
def test_only_the_proxy_s_own_header_passes_the_redirect(
    production: str, name: str, status: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(production).netloc, timeout=60)
    connection.request("GET", "/docs/errors", headers={"Host": "localhost", name: "https"})
    answer = connection.getresponse()
    connection.close()
    assert answer.status == status
