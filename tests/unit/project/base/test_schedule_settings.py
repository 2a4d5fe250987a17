"""rest_conf.yml: bad values stop the start; schedules and reports pass the checks."""

from pathlib import Path

import msgspec
import pytest
from django.conf import settings as project_settings
from django.core.checks import run_checks
from pytest_django import Settings

from project.base.config import ReportOverride, read_config
from project.base.errors import ConfigError


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = (project_settings.BASE_DIR / "rest_conf.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rest_conf.yml"
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "key_path"),
    [
        ("keyless_bytes: 33554432", "keyless_bytes: 0", "http.keyless_bytes"),
        ("time_zone: UTC", "time_zone: Nowhere", "schedules.time_zone"),
        ('"17 * * * *"', '"17 * * * 1"', "schedules.jobs.expire_idempotency_keys"),
        (
            "    hires_by_quarter:\n",
            '    hires_by_quarter:\n      schedule: "soon"\n',
            "reports.definitions.hires_by_quarter.schedule",
        ),
        ("hsts_preload: false", "hsts_preload: true", "http.hsts_preload"),
        ("hiring: {public: false}", "hiring: {public: often}", "datasets[...].public"),
        ("        year: 2021", "        year: [2021]", "reports.definitions[...].parameters[...]"),
    ],
)
def test_a_bad_setting_stops_the_start_and_names_the_key(
    tmp_path: Path, old: str, new: str, key_path: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(changed(tmp_path, old, new))
    assert caught.value.fields["key_path"] == key_path


def test_null_is_never(tmp_path: Path) -> None:
    config = read_config(changed(tmp_path, '"17 * * * *"', "null"))
    assert config.schedules.jobs["expire_idempotency_keys"] is None


def test_the_project_s_own_settings_pass_the_checks() -> None:
    assert [
        error for error in run_checks() if error.id and error.id[:7] in {"project", "reports"}
    ] == []


def test_unknown_and_missing_names_are_found_by_the_checks(settings: Settings) -> None:
    config = settings.CONFIG
    jobs = {"forget_job_runs": None, "forget_report_runs": None, "fly": "* * * * *"}
    definitions = {
        "no_such_report": ReportOverride(),
        "hires_by_quarter": ReportOverride(parameters={"yaer": 2021}),
    }
    settings.CONFIG = msgspec.structs.replace(
        config,
        schedules=msgspec.structs.replace(config.schedules, jobs=jobs),
        reports=msgspec.structs.replace(config.reports, definitions=definitions),
    )
    found = {error.msg for error in run_checks()}
    assert {
        "rest_conf.yml: schedules.jobs.fly: there is no such job",
        "rest_conf.yml: schedules.jobs.expire_idempotency_keys: missing",
        "rest_conf.yml: reports.definitions.no_such_report: no such report",
        "rest_conf.yml: reports.definitions.hires_by_quarter.parameters.yaer: "
        "the report has no such parameter",
    } <= found
