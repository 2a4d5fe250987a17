"""GET /api/reports…, POST /api/reports/{name}/refresh."""

import csv
import io
from xml.etree.ElementTree import fromstring

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils.dateparse import parse_datetime

from project.base.database import role_password
from tests.conftest import KeyMaker, Publish
from tests.hiring import hire, send, send_small

pytestmark = pytest.mark.usefixtures("database")

NAME = "hires_by_quarter"
ROWS = [
    {"department": "Legal", "job": "Clerk", "q1": 0, "q2": 0, "q3": 1, "q4": 1},
    {"department": "Sales", "job": "Clerk", "q1": 2, "q2": 1, "q3": 0, "q4": 1},
]


@pytest.fixture
def loaded(client: Client) -> Client:
    send_small(client)
    for name in (NAME, "departments_above_mean"):
        assert client.post(f"/api/reports/{name}/refresh").status_code == 200
    return client


def test_a_refresh_answers_what_it_did(client: Client) -> None:
    send_small(client)
    first = client.post(f"/api/reports/{NAME}/refresh").json()
    assert (first["report"], first["outcome"], first["rows"]) == (NAME, "refreshed", 2)
    assert parse_datetime(first["refreshed_at"])
    again = client.post(f"/api/reports/{NAME}/refresh?force=true").json()
    assert again["outcome"] == "refreshed"
    assert again["last_batch"] == first["last_batch"]


def test_lists_every_report_and_how_fresh_it_is(loaded: Client) -> None:
    answer = loaded.get("/api/reports").json()
    assert (answer["next"], answer["previous"]) == (None, None)
    by_name = {report["name"]: report for report in answer["results"]}
    report = by_name[NAME]
    assert report["title"] == "Hires by quarter"
    assert report["parameters"] == {"year": 2021}
    assert (report["rows"], report["open_rejections"], report["last_error"]) == (2, 0, None)


def test_a_report_has_its_rows_in_its_order(loaded: Client) -> None:
    answer = loaded.get(f"/api/reports/{NAME}").json()
    assert answer["results"] == ROWS
    assert answer["rows"] == 2
    assert answer["columns"][2] == {
        "name": "q1",
        "caption": "Q1",
        "description": "People hired from January to March",
        "type": "bigint",
        "role": "measure",
    }
    above = loaded.get("/api/reports/departments_above_mean").json()
    assert above["results"] == [{"department_id": 1, "department_name": "Sales", "hired": 4}]
    assert above["line"] == 2.0


def test_a_report_is_given_page_by_page_when_asked(loaded: Client) -> None:
    first = loaded.get(f"/api/reports/{NAME}?limit=1").json()
    assert first["results"] == ROWS[:1]
    assert first["previous"] is None
    second = loaded.get(first["next"]).json()
    assert second["results"] == ROWS[1:]
    assert second["next"] is None
    assert loaded.get(second["previous"]).json()["results"] == ROWS[:1]


def test_open_rejections_of_the_sources_are_counted(loaded: Client) -> None:
    send(loaded, "employees", [hire(70, 1, "01-01"), hire(71, 99, "01-01")])
    assert loaded.get(f"/api/reports/{NAME}").json()["open_rejections"] == 1


def test_csv_has_the_whole_report(loaded: Client) -> None:
    answer = loaded.get(f"/api/reports/{NAME}?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{NAME}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert rows == [{key: str(value) for key, value in row.items()} for row in ROWS]


@pytest.mark.parametrize("query", ["", "?format=csv"])
def test_an_unchanged_report_is_not_sent_again(loaded: Client, query: str) -> None:
    address = f"/api/reports/{NAME}{query}"
    first = loaded.get(address)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    for headers in ({"If-None-Match": etag}, {"If-Modified-Since": modified}):
        answer = loaded.get(address, headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
    loaded.post(f"/api/reports/{NAME}/refresh?force=true")
    answer = loaded.get(address, headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != etag


def test_a_check_that_finds_nothing_new_keeps_the_etag(loaded: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    loaded.post(f"/api/reports/{NAME}/refresh")
    etag = loaded.get(f"/api/reports/{NAME}").headers["ETag"]
    assert loaded.post(f"/api/reports/{NAME}/refresh").json()["outcome"] == "unchanged"
    assert loaded.get(f"/api/reports/{NAME}").headers["ETag"] == etag


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/reports/none", 404, "report_unknown"),
        ("/api/reports/none.tds", 404, "report_unknown"),
        ("/api/reports/report_status", 404, "report_unknown"),
        (f"/api/reports/{NAME}", 404, "report_not_refreshed"),
        (f"/api/reports/{NAME}?format=xml", 400, "bad_parameter"),
        (f"/api/reports/{NAME}?limit=0", 400, "bad_parameter"),
        (f"/api/reports/{NAME}?limit=²", 400, "bad_parameter"),
        (f"/api/reports/{NAME}?offset=-1", 400, "bad_parameter"),
        (f"/api/reports/{NAME}?fromat=csv", 400, "bad_parameter"),
        ("/api/reports/a%00b", 404, "report_unknown"),
    ],
)
def test_bad_requests_get_their_problem(
    client: Client, address: str, status: int, code: str
) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_refresh_that_fails_answers_why(loaded: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE hiring.jobs RENAME TO jobs_away")
    try:
        answer = loaded.post(f"/api/reports/{NAME}/refresh")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hiring.jobs_away RENAME TO jobs")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "refresh_failed")
    assert 'relation "hiring.jobs" does not exist' in problem["detail"]
    told = loaded.get(f"/api/reports/{NAME}").json()
    assert told["results"] == ROWS
    assert "does not exist" in told["last_error"]


def test_reading_needs_read_and_refreshing_ingest(api_key: KeyMaker, publish: Publish) -> None:
    publish(nyc311=False, mds=False, open311=False, covid=False)
    addresses = ["/api/reports", f"/api/reports/{NAME}", "/api/reports.tds"]
    for address in addresses:
        assert Client().get(address).status_code == 401
    assert Client().post(f"/api/reports/{NAME}/refresh").status_code == 401
    reader = Client(headers={"Authorization": f"Api-Key {api_key('read')}"})
    assert reader.get("/api/reports").status_code == 200
    assert reader.post(f"/api/reports/{NAME}/refresh").status_code == 403


def test_a_data_source_says_where_and_what_the_report_is(loaded: Client) -> None:
    answer = loaded.get(f"/api/reports/{NAME}.tds")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{NAME}.tds"'
    source = fromstring(answer.content)
    place = source.find("connection/named-connections/named-connection/connection")
    assert place is not None
    server = connection.settings_dict
    assert {key: place.get(key) for key in ("class", "server", "port", "dbname", "username")} == {
        "class": "postgres",
        "server": server["HOST"],
        "port": str(server["PORT"]),
        "dbname": server["NAME"],
        "username": "report_reader",
    }
    assert place.get("password") is None
    password = role_password("report_reader", settings.SECRETS_DIR)
    assert password not in answer.content.decode()
    relation = source.find("connection/relation")
    assert relation is not None
    assert relation.get("table") == "[reports].[hires_by_quarter]"
    columns = {column.get("name"): column for column in source.findall("column")}
    assert columns["[department]"].get("role") == "dimension"
    assert columns["[q1]"].attrib == {
        "caption": "Q1",
        "datatype": "integer",
        "name": "[q1]",
        "role": "measure",
        "type": "quantitative",
    }
    assert columns["[q1]"].findtext("desc/formatted-text/run") == (
        "People hired from January to March"
    )


def test_one_data_source_holds_all_reports(loaded: Client) -> None:
    source = fromstring(loaded.get("/api/reports.tds").content)
    tables = [one.get("table") for one in source.findall("connection/relation/relation")]
    assert set(tables) >= {
        "[reports].[report_status]",
        "[reports].[hires_by_quarter]",
        "[reports].[departments_above_mean]",
    }
    names = [column.get("name") for column in source.findall("column")]
    assert len(names) == len(set(names))
    mapped = {one.get("key") for one in source.findall("connection/cols/map")}
    assert mapped == set(names)


def test_the_service_s_own_roles_suffice(server: str, loaded: Client) -> None:
    key = loaded.defaults["HTTP_AUTHORIZATION"]
    with httpx.Client(base_url=server, headers={"Authorization": key}, timeout=60) as caller:
        refreshed = caller.post(f"/api/reports/{NAME}/refresh?force=true")
        assert (refreshed.status_code, refreshed.json()["rows"]) == (200, 2), refreshed.text
        assert caller.get(f"/api/reports/{NAME}").json()["results"] == ROWS
        assert caller.get("/api/reports.tds").status_code == 200
        page = caller.get(f"/reports/{NAME}/", headers={"Accept-Encoding": "identity"})
        assert "Hires by quarter" in page.text
