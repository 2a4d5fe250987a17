"""Conditional requests, compression and caching of /covid/v2."""

import gzip
import http.client
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL, Identifier

from apis.covid.refresh.refresh import refresh_api
from tests.conftest import Publish
from tests.covid import add_definitions, add_rows, state_row
from tests.database import log_in

BUILT = datetime(2020, 7, 20, 14, tzinfo=UTC)
PATHS = ["us", "us/history/simple", "state/ca", "state/ca/history", "states/history", "states"]
PATHS += ["states/history?fields=cases", "fields", "changes", "states/CA/2020-07-01"]


@pytest.fixture(autouse=True)
def published(database: None) -> None:
    add_rows("states", [state_row()])
    add_definitions(keep=["cases"])
    add_rows("states_daily", [{"state": "CA", "date": f"2020-07-{n:02}"} for n in range(1, 31)])
    add_rows("us_daily", [{"date": "2020-07-01", "states": 1, "positive": 5}])
    refresh_api(BUILT)


def get(path: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().get(f"/covid/v2/{path}", headers=named)


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_says_how_long_it_is_good_and_what_it_is_known_by(path: str) -> None:
    answer = get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["Last-Modified"] == "Mon, 20 Jul 2020 14:00:00 GMT"
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize("path", PATHS)
def test_the_same_answer_compressed(path: str) -> None:
    plain, packed = get(path), get(path, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.content) < len(plain.content)
    assert gzip.decompress(packed.content) == plain.content
    assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_client_that_has_the_answer_is_told_so(path: str, encoding: str) -> None:
    etag = get(path, Accept_Encoding=encoding).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = get(path, Accept_Encoding=encoding, If_None_Match=known)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        assert again.headers["Cache-Control"] == "public, max-age=60"
    assert get(path, Accept_Encoding=encoding, If_None_Match='"other"').status_code == 200


def test_a_date_is_a_condition_too() -> None:
    since = {"If_Modified_Since": "Mon, 20 Jul 2020 14:00:00 GMT"}
    assert get("us", **since).status_code == 304
    assert get("us", If_Modified_Since="Mon, 20 Jul 2020 13:59:59 GMT").status_code == 200


def test_304_is_answered_without_a_look_at_the_data() -> None:
    etag = get("states/history").headers["ETag"]
    with log_in() as other:
        for table in ("covid_days", "covid_packed_days", "covid_states", "covid_documents"):
            statement = SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")
            other.execute(statement.format(Identifier("reports", table)))
        assert get("states/history", If_None_Match=etag).status_code == 304


def test_a_new_build_is_another_answer() -> None:
    etag = get("us").headers["ETag"]
    add_rows("us_daily", [{"date": "2020-07-01", "states": 1, "positive": 6}])
    refresh_api(datetime(2020, 7, 21, tzinfo=UTC), force=True)
    again = get("us", If_None_Match=etag)
    assert again.status_code == 200
    assert again.json()["data"][0]["cases"]["cases"]["cumulative"]["value"] == 6


def test_a_status_is_never_kept() -> None:
    assert get("status").headers["Cache-Control"] == "no-store"


def test_keys_make_answers_private(publish: Publish, client: Client) -> None:
    publish(covid=False)
    assert get("us").status_code == 401
    answer = client.get("/covid/v2/us")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, max-age=60"
    assert answer.headers["Vary"] == "Accept-Encoding, Authorization"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_head_of_an_answer_over_http(server: str) -> None:
    connection = http.client.HTTPConnection(server.removeprefix("http://"))
    answers = []
    for method in ("HEAD", "GET"):
        connection.request(method, "/covid/v2/states/history")
        answer = connection.getresponse()
        body = answer.read()
        answers.append((answer.status, answer.headers["ETag"], answer.headers["Content-Length"]))
    connection.close()
    assert answers[0] == answers[1]
    assert len(body) == int(answers[1][2])
