"""What a command loads before it does anything."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import load_command_class

# Which of the house each command is in.
ROOMS = {"create_api_key": "project", "load": "ingest"}
# What takes long to load, and only pages, tokens and requests need.
PAGES = {
    *("project.urls", "ingest.api", "reports.api", "backups.api", "project.http.problems"),
    *("rest_framework.views", "drf_spectacular", "oauth2_provider", "django.contrib.admin"),
}
PROGRAM = """
import json, sys
import manage
names = sys.argv[1:]
loaded = {}
for name in names:
    sys.argv = ["manage.py", name, "--help"]
    try:
        manage.main()
    except SystemExit as end:
        assert not end.code, name
    loaded[name] = sorted(sys.modules)
sys.stderr.write(json.dumps(loaded))
"""
# Each is asked in the process of those before it: those that need least come first.
SMALL = ["list_backups", "pin_backup", "init_archive", "create_api_key", "load"]
COMMANDS = [*SMALL, "verify_backup", "expire_backups", "restore", "backup", "unpin_backup"]


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *COMMANDS],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    modules: dict[str, list[str]] = json.loads(done.stderr)
    return modules


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_no_views(loaded: dict[str, list[str]], name: str) -> None:
    assert PAGES.intersection(loaded[name]) == set()


@pytest.mark.parametrize("name", SMALL)
def test_a_small_command_loads_no_library_of_data(loaded: dict[str, list[str]], name: str) -> None:
    assert {"polars", "nanoarrow", "prometheus_client"}.intersection(loaded[name]) == set()


def test_a_command_without_pages_does_not_check_them() -> None:
    assert set(COMMANDS) == settings.COMMANDS_WITHOUT_PAGES
    for name in COMMANDS:
        command = load_command_class(ROOMS.get(name, "backups"), name)
        assert command.requires_system_checks == (), name
