"""http.tls_proxy in rest_conf.yml: what is behind a proxy that speaks TLS."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

NAMES = ["SECURE_PROXY_SSL_HEADER", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"]
PROGRAM = f"""
import json
from project import settings
print(json.dumps([getattr(settings, name) for name in {NAMES}]))
"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("false", [None, False, False]),
        ("true", [["HTTP_X_FORWARDED_PROTO", "https"], True, True]),
    ],
)
def test_cookies_go_over_https_only_where_a_proxy_speaks_it(
    tmp_path: Path, value: str, expected: list[object]
) -> None:
    text = (settings.BASE_DIR / "rest_conf.yml").read_text(encoding="utf-8")
    config = tmp_path / "rest_conf.yml"
    config.write_text(text.replace("tls_proxy: false", f"tls_proxy: {value}"), encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        env=os.environ | {"ROWHOUSE_CONFIG": str(config)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout) == expected
