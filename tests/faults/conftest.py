"""Fixtures of the fault tests: a service to harm, its clients, and the figures of a run."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import connection

from tests.cleaning import Table
from tests.database import log_in
from tests.faults.clients import DEFINITION, REASONS, Fleet, Habits
from tests.faults.history import Verdict
from tests.faults.reading import read_final
from tests.faults.stage import Stage, set_stage

FIGURES = "figures"

FleetMaker = Callable[..., Fleet]
Recorder = Callable[[str], None]
Judge = Callable[..., Verdict]


@pytest.fixture
def table(database: None) -> None:
    """The tables of the set test."""
    with connection.cursor() as cursor:
        cursor.execute(DEFINITION)


@pytest.fixture(scope="session")
def shared_stage(
    django_db_setup: set[Table], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A running service of the tests that need no settings of their own."""
    with set_stage(tmp_path_factory.mktemp("stage")) as running:
        yield running


@pytest.fixture
def stage(table: None, shared_stage: Stage) -> Stage:
    """A running service, whose log begins with this test."""
    return replace(shared_stage, logged_before=len(shared_stage.log()))


@pytest.fixture
def fleet_for(request: pytest.FixtureRequest) -> FleetMaker:
    """Return a function that makes the clients of a service: with a key, or of the stage."""

    def make(url: str, *, key: str | None = None, **habits: Any) -> Fleet:
        key = key or request.getfixturevalue("api_key")("ingest")
        return Fleet(url=url, key=key, habits=Habits(**habits))

    return make


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Recorder:
    """Return a function that keeps a figure of this run for the summary."""
    return partial(record_property, FIGURES)


@pytest.fixture
def judge(record: Recorder) -> Judge:
    """Return a function that makes the final read and compares; it records the figures."""

    def compare(
        fleet: Fleet,
        faults: int,
        connect: Callable[[], Any] = log_in,
        *,
        reasons: frozenset[str] = REASONS,
    ) -> Verdict:
        with connect() as reader:
            final = read_final(reader)
        verdict = fleet.history.judge(final)
        history = fleet.history
        record(
            f"{faults} faults, {len(history.attempted)} batches, "
            f"{len(history.acknowledged)} acknowledged, sent again {dict(history.setbacks)}, "
            f"lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, "
            f"unexpected {len(verdict.unexpected)}, unbalanced {len(verdict.unbalanced)}, "
            f"torn {len(verdict.torn)}, orphans {len(verdict.orphans)}"
        )
        assert history.unknown_answers == []
        assert history.reasons() <= reasons
        return verdict

    return compare


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the runs went through."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, figures in getattr(report, "user_properties", ()):
            if name == FIGURES and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {figures}")
