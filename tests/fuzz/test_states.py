"""Rows ingested, sent again, replayed, backed up, restored and reported while their table changes.

A model says after each step what must be stored. `make fuzz` runs 300 times 50 steps.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings as project_settings
from django.db import connections
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup
from backups.store.archive import find_backup, list_backups, mark_archive
from project.http.access.keys import forget_trusted_keys
from reports.engine.registry import find_report
from reports.engine.report_table import refresh_report
from tests.api.sending import counts, execute, send, stored
from tests.cleaning import Table, clean
from tests.conftest import KeyMaker
from tests.scale import USUAL

TABLE = "hiring.things"
EXTRAS = ("c0", "c1", "c2")

REPORT = """\
-- title: Things
-- description: How many there are
-- sources: [hiring.things]
-- columns:
--   things: {caption: Things}
--   total: {caption: Total}

SELECT count(*) AS things, coalesce(sum(n), 0) AS total FROM hiring.things
"""

Row = dict[str, Any]

ids = st.integers(0, 12)
rows = st.lists(
    st.fixed_dictionaries(
        {"id": ids, "n": st.one_of(st.integers(-5, 5), st.sampled_from([None, "x", 2.5]))},
        optional={name: st.integers(0, 9) for name in EXTRAS},
    ),
    min_size=1,
    max_size=6,
)


@dataclass
class Model:
    """What the service must hold."""

    rows: dict[int, Row] = field(default_factory=dict)
    extras: dict[str, int | None] = field(default_factory=dict)  # added columns, their defaults
    open: dict[int, Row] = field(default_factory=dict)  # rejections by their ids
    received: int = 0

    def take(self, sent: list[Row], mode: str) -> tuple[int, int, int, list[int]]:
        """Store rows; return how many were inserted, updated, ignored, and which were rejected."""
        inserted = updated = ignored = 0
        rejected = []
        for index, row in enumerate(sent):
            key = row["id"]
            is_known = key in self.rows
            if not self.is_sound(row) or (is_known and mode == "reject"):
                rejected.append(index)
                continue
            if is_known and row.items() <= self.rows[key].items():
                ignored += 1
            elif is_known:
                self.rows[key] |= row
                updated += 1
            else:
                self.rows[key] = {"id": key, **self.extras} | row
                inserted += 1
        self.received += len(sent)
        return inserted, updated, ignored, rejected

    def is_sound(self, row: Row) -> bool:
        """Return whether the table's rules let a row pass, keys aside."""
        return type(row["n"]) is int and row.keys() - {"id", "n"} <= self.extras.keys()

    def add(self, name: str, default: int | None) -> None:
        """Add a column."""
        self.extras[name] = default
        for row in self.rows.values():
            row[name] = default

    def drop(self, name: str) -> None:
        """Drop a column."""
        del self.extras[name]
        for row in self.rows.values():
            del row[name]

    def restore(self, kept: list[Row]) -> None:
        """Put rows back that may lack columns or have some that are gone."""
        names = ("id", "n", *self.extras)
        self.rows = {row["id"]: {name: (self.extras | row)[name] for name in names} for row in kept}


class Service(RuleBasedStateMachine):
    """The service and its model, step by step."""

    # Set by the test: makes a client, and undoes what a run left.
    make_client: Callable[[], Client]
    undo: Callable[[], None]
    # Of all runs.
    runs = 0
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.client = type(self).make_client()
        self.model = Model()
        self.sent: list[tuple[str, list[Row], str, Any]] = []
        self.backups: list[tuple[str, list[Row]]] = []
        self.reported: tuple[int, int] | None = None
        execute(f"CREATE TABLE {TABLE} (id int PRIMARY KEY, n int NOT NULL)")

    def teardown(self) -> None:
        """Leave nothing for the next run."""
        type(self).runs += 1
        type(self).undo()

    @rule(sent=rows, mode=st.sampled_from(["reject", "update"]))
    def ingest(self, sent: list[Row], mode: str) -> None:
        """A batch is sorted as the model sorts it."""
        key = f"key {len(self.sent)}"
        answer = self._send(sent, mode, key)
        *outcomes, rejected = self.model.take(sent, mode)
        assert counts(answer) == (len(sent), *outcomes, len(rejected)), answer.content
        receipt = answer.json()
        assert [one["index"] for one in receipt["rejections"]] == rejected
        listed = self.client.get(f"/api/rejections?batch={receipt['batch']}").json()["results"]
        self.model.open |= {
            one["id"]: sent[one["index"]] for one in listed if one["id"] not in self.model.open
        }
        self.sent.append((key, sent, mode, receipt))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """A batch that is sent again gets its old receipt, whatever became of the table."""
        key, sent, mode, receipt = data.draw(st.sampled_from(self.sent))
        answer = self._send(sent, mode, key)
        assert answer.headers["Idempotency-Replayed"] == "true"
        assert answer.json() == receipt

    @precondition(lambda self: self.model.open)
    @rule(data=st.data(), corrected=st.booleans(), key=ids)
    def replay(self, data: st.DataObject, corrected: bool, key: int) -> None:
        """A rejection is stored by a replay, once, or stays as it is."""
        identifier = data.draw(st.sampled_from(sorted(self.model.open)))
        row = {"id": key, "n": 7} if corrected else self.model.open[identifier]
        inserted, _, _, rejected = self.model.take([row], "reject")
        body = json.dumps(row) if corrected else ""
        answer = self.client.post(
            f"/api/rejections/{identifier}/replay", body, content_type="application/json"
        )
        assert answer.status_code == (422 if rejected else 201), answer.content
        if inserted:
            del self.model.open[identifier]

    @rule(name=st.sampled_from(EXTRAS), default=st.one_of(st.none(), st.integers(0, 9)))
    def alter_table(self, name: str, default: int | None) -> None:
        """A column is added, or dropped where it is there."""
        if name in self.model.extras:
            execute(f"ALTER TABLE {TABLE} DROP COLUMN {name}")
            self.model.drop(name)
        else:
            clause = "" if default is None else f"DEFAULT {default}"
            execute(f"ALTER TABLE {TABLE} ADD COLUMN {name} int {clause}")
            self.model.add(name, default)

    @rule()
    def back_up(self) -> None:
        """A backup holds what there is now, and the newest ones stay."""
        run = run_backup(tables=[TABLE])
        self.backups.append((str(run.pk), [dict(row) for row in self.model.rows.values()]))
        del self.backups[: -project_settings.CONFIG.backups.keep.newest]
        assert {str(one.id) for one in list_backups()} == {name for name, _ in self.backups}

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """A restored table has the backup's rows and today's columns."""
        name, kept = data.draw(st.sampled_from(self.backups))
        report = restore_backup(find_backup(name), RestoreRequest(tables=[TABLE]))
        assert report.rows == len(kept)
        self.model.restore(kept)

    @rule()
    def refresh(self) -> None:
        """A report tells of the moment it was refreshed."""
        refresh_report(find_report("things"))
        rows = self.model.rows.values()
        self.reported = (len(rows), sum(row["n"] for row in rows))

    @invariant()
    def the_table_holds_the_rows(self) -> None:
        """Nothing is lost, doubled or changed."""
        names = ("id", "n", *sorted(self.model.extras))
        expected = [tuple(row[name] for name in names) for row in self.model.rows.values()]
        assert stored(f"SELECT {', '.join(names)} FROM {TABLE} ORDER BY id") == sorted(expected)

    @invariant()
    def every_row_that_was_sent_has_one_outcome(self) -> None:
        """Receipts add up, and the rejections that nobody replayed are open."""
        assert stored(
            "SELECT coalesce(sum(received), 0),"
            " coalesce(sum(inserted + updated + ignored + rejected), 0) FROM service.batch"
        ) == [(self.model.received,) * 2]
        still_open = stored("SELECT id FROM service.rejection WHERE state = 'open' ORDER BY id")
        assert [identifier for (identifier,) in still_open] == sorted(self.model.open)

    @invariant()
    def the_report_says_what_it_said(self) -> None:
        """Only a refresh changes a report."""
        type(self).steps += 1
        if self.reported is not None:
            assert stored("SELECT things, total FROM reports.things") == [self.reported]

    def _send(self, sent: list[Row], mode: str, key: str) -> Any:
        query = f"?on_conflict={mode}"
        return send(self.client, TABLE, sent, query, **{"Idempotency-Key": key})


@pytest.fixture
def service(
    archive: Path,
    api_key: KeyMaker,
    django_db_setup: set[Table],
    tmp_path: Path,
    settings: Settings,
) -> type[Service]:
    """The state machine, with an archive, a report and a clean database for each run."""
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "things.sql").write_text(REPORT)
    settings.REPORTS_DIR = reports
    config = project_settings.CONFIG
    settings.CONFIG = msgspec.structs.replace(
        config,
        datasets={"hiring": config.datasets["hiring"]},  # each backup looks at all there are
        reports=msgspec.structs.replace(config.reports, definitions={}),
    )

    def make_client() -> Client:
        key = api_key("read", "ingest")
        return Client(headers={"Authorization": f"Api-Key {key}"})

    def undo() -> None:
        forget_trusted_keys()
        connections["ingest"].close()
        execute("DROP SCHEMA IF EXISTS undo_hiring CASCADE")
        clean(django_db_setup)
        shutil.rmtree(archive, ignore_errors=True)
        mark_archive()

    Service.make_client = staticmethod(make_client)
    Service.undo = staticmethod(undo)
    return Service


@pytest.mark.slow
def test_the_service_does_what_its_model_does(service: type[Service]) -> None:
    is_long = settings().max_examples > USUAL
    run_state_machine_as_test(
        service,
        settings=settings(
            max_examples=300 if is_long else 6,
            stateful_step_count=50 if is_long else 20,
            derandomize=not is_long,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{service.runs} runs, {service.steps} steps")  # noqa: T201
