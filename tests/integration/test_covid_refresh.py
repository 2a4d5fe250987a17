"""The refresh of the COVID data API: when it happens, what readers see, who may do it."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from psycopg import IsolationLevel
from psycopg.sql import SQL, Identifier

from apis.covid.fields.definitions import FieldDefinition, read_definitions
from apis.covid.refresh.refresh import refresh_api, refresh_everything
from project.base.database import REPORT_WRITER_ROLE, SERVICE_ROLE, role_password
from reports.errors import ReportBusy
from tests.covid import add_definitions, add_rows, flush_counters, state_row, stored
from tests.database import holding_lock, log_in

pytestmark = pytest.mark.usefixtures("database")

DAY = {"state": "CA", "date": "2020-07-01", "positive": 5, "death": 1}


@pytest.fixture
def states(client: Client) -> Client:
    """Return a client; there are a state to report for and the definitions of its cases."""
    add_rows("states", [state_row()])
    add_definitions(keep=["cases.cases"])
    return client


def send(client: Client, table: str, rows: list[dict[str, Any]], query: str = "") -> Any:
    answer = client.post(
        f"/api/ingest/covid.{table}{query}", json.dumps(rows), content_type="application/json"
    )
    flush_counters()
    return answer.json()


def status() -> dict[str, Any]:
    (found,) = Client().get("/covid/v2/status").json()["data"]
    return dict(found)


def test_only_what_changed_makes_a_new_build(states: Client) -> None:
    assert refresh_api().outcome == "refreshed"
    assert refresh_api().outcome == "unchanged"
    batch = send(states, "states_daily", [DAY])["batch"]
    assert status()["health"] == "behind"
    assert refresh_api().outcome == "refreshed"
    assert (status()["health"], status()["last_batch"]) == ("ok", batch)
    assert refresh_api().outcome == "unchanged"
    assert refresh_api(force=True).outcome == "refreshed"
    runs = stored("SELECT outcome, rows::int FROM service.report_run ORDER BY id")
    assert runs == [("refreshed", 0), ("refreshed", 1), ("refreshed", 1)]


def test_a_change_of_any_table_is_noticed(states: Client) -> None:
    refresh_api()
    for table, row in (
        ("population", {"area": "CA", "population": 50}),
        ("us_daily", {"date": "2020-07-01", "states": 1}),
        ("changes", {"change_id": "a", "changed_at": "2020-07-01T00:00:00Z", "title": "A"}),
        ("states", {"state": "NY", "name": "New York"}),
        ("field_definitions", {"field": "cases.x", "name": "X", "definition": "X"}),
    ):
        assert send(states, table, [row])["inserted"] == 1
        assert refresh_api().outcome == "refreshed", table


def test_open_rejections_are_told(states: Client) -> None:
    refresh_api()
    assert send(states, "states_daily", [DAY | {"state": "ZZ"}])["rejected"] == 1
    assert status()["open_rejections"] == 1


def test_a_corrected_figure_moves_the_row_s_last_update(states: Client) -> None:
    moments = []
    for positive in (5, 5, 6):
        send(states, "states_daily", [DAY | {"positive": positive}], "?on_conflict=update")
        moments += stored("SELECT last_update FROM covid.states_daily")
    assert moments[0] == moments[1] < moments[2]
    given = DAY | {"positive": 7, "last_update": "2020-07-02T00:00:00Z"}
    send(states, "states_daily", [given], "?on_conflict=update")
    refresh_api()
    (row,) = Client().get("/covid/v2/state/ca").json()["data"]
    assert row["meta"] == {"last_update": "2020-07-02T00:00:00Z"}


def test_a_reader_sees_one_build(states: Client) -> None:
    add_rows("states_daily", [DAY])
    refresh_api()
    tables = ("covid_values", "covid_days", "covid_packed_days", "covid_states")
    with log_in(IsolationLevel.REPEATABLE_READ) as reader:

        def read() -> list[Any]:
            question = SQL("SELECT * FROM {} ORDER BY 1, 2")
            return [
                reader.execute(question.format(Identifier("reports", table))).fetchall()
                for table in tables
            ]

        before = read()
        add_rows("states_daily", [DAY | {"positive": 9}, DAY | {"date": "2020-07-02"}])
        refresh_api(force=True)
        assert read() == before
        reader.commit()
        assert [len(rows) for rows in read()] == [2, 2, 4, 1]


def test_a_refresh_that_is_going_on_is_not_done_twice(states: Client) -> None:
    with holding_lock("rowhouse.report.covid_values"), pytest.raises(ReportBusy):
        refresh_api()


def test_a_refresh_that_another_one_overtook_starts_anew(
    states: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def overtaken_once(connection: Any) -> list[FieldDefinition]:
        if not read:
            connection.execute("UPDATE service.report SET version = version + 1")
        read.append("definitions")
        return read_definitions(connection)

    monkeypatch.setattr("apis.covid.refresh.refresh.read_definitions", overtaken_once)
    assert refresh_api().outcome == "refreshed"
    assert len(read) == 2


def test_the_job_writes_csv_files_without_computed_values(states: Client) -> None:
    add_rows("states_daily", [DAY])
    add_rows("us_daily", [{"date": "2020-07-01", "states": 1, "positive": 5}])
    assert refresh_everything() == "refreshed, 2 rows"
    notes = Client().get("/covid/v2/state/ca").json()["meta"]["field_definitions"]
    (download,) = {note["download"] for note in notes}
    answer = Client().get(download)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    shown = {name: row[name] for name in ("date", "state", "positive", "death", "negative")}
    assert shown == DAY | {"positive": "5", "death": "1", "negative": ""}
    assert not [name for name in row if "average" in name or "percent" in name]
    nation = Client().get("/covid/v2/us").json()["meta"]["field_definitions"][0]["download"]
    (row,) = csv.DictReader(io.StringIO(Client().get(nation).content.decode()))
    assert (row["states"], row["positive"]) == ("1", "5")


def test_the_command_says_what_it_did(states: Client, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    builds = []
    for options in ([], [], ["--force"]):
        call_command("refresh_covid", *options)
        said.append(capsys.readouterr().out)
        builds += stored("SELECT version::int FROM service.report WHERE name = 'covid_values'")
    assert said == ["refreshed, 0 rows\n", "unchanged, 0 rows\n", "unchanged, 0 rows\n"]
    assert builds == [(1,), (1,), (2,)]


@pytest.fixture
def as_role() -> Iterator[Any]:
    opened = []

    def connect(role: str) -> psycopg.Connection:
        server = connection.settings_dict
        login = {"host": server["HOST"], "port": server["PORT"], "dbname": server["NAME"]}
        password = role_password(role, settings.SECRETS_DIR)
        opened.append(psycopg.connect(**login, user=role, password=password, autocommit=True))
        return opened[-1]

    yield connect
    for login in opened:
        login.close()


def test_the_role_for_reports_refreshes_and_the_service_reads(states: Client, as_role: Any) -> None:
    add_rows("states_daily", [DAY])
    refresher = as_role(REPORT_WRITER_ROLE)
    assert refresh_api(connect=lambda: refresher).outcome == "refreshed"
    for role in (SERVICE_ROLE, "report_reader"):
        rows = as_role(role).execute("SELECT value FROM reports.covid_values").fetchall()
        assert rows == [(5,)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        as_role("report_reader").execute("DELETE FROM reports.covid_values")


def test_typed_values_are_there_for_tableau(states: Client) -> None:
    days = [DAY | {"date": f"2020-07-{day:02}", "positive": day**2} for day in range(1, 9)]
    add_rows("states_daily", days)
    add_rows("population", [{"area": "CA", "population": 3000}])
    refresh_api(datetime(2020, 7, 9, tzinfo=UTC))
    assert stored(
        "SELECT area, date::text, field, value::int, average_7_day, population_percent::text,"
        " change_from_prior_day::int, change_7_day_percent::text"
        " FROM reports.covid_values WHERE date = '2020-07-08'"
    ) == [("CA", "2020-07-08", "cases.cases.cumulative", 64, None, "2.1333", 15, "6300")]
