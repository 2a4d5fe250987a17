"""GET /rejections/ and /load/: what the pages are made of."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from psycopg.sql import SQL, Identifier

from ingest.models import Rejection
from ingest.pages import desk, filters
from tests.api.replaying import replay
from tests.api.sending import execute, send
from tests.api.tables import employee
from tests.conftest import KeyMaker

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def person(api_key: KeyMaker) -> Client:
    """Return the browser of a person who may read and load."""
    return sign_in(api_key("read", "ingest"))


@pytest.fixture
def rejected(hiring: Client) -> list[int]:
    """Return the ids of three rejections: no job, unknown job, no object."""
    rows = [employee(1, job_id=...), employee(2, job_id=8), 5]
    assert send(hiring, "employees", rows).status_code == 422
    return list(Rejection.objects.order_by("pk").values_list("pk", flat=True))


def sign_in(key: str) -> Client:
    client = Client()
    assert client.post("/login/", {"key": key}).status_code == 302
    return client


def visit(person: Client, address: str = "/rejections/", **query: str) -> str:
    answer = person.get(address, query)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def shown(page: str) -> list[int]:
    """Return the ids of the rejections a page shows."""
    return [int(found) for found in re.findall(r'data-id="(\d+)"', page)]


def lines(page: str) -> dict[str, dict[str, str]]:
    """Return the attributes of each line of a page's only card."""

    class Lines(HTMLParser):
        found: dict[str, dict[str, str]] = {}

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = {name: value or "" for name, value in attrs}
            if tag == "tr" and "data-column" in given:
                self.found[given["data-column"]] = given

    parser = Lines()
    parser.feed(page)
    return parser.found


def test_only_who_is_signed_in_sees_rows(client: Client, api_key: KeyMaker) -> None:
    for address in ("/rejections/?table=jobs", "/load/"):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login/?next=%2F")
    assert sign_in(api_key("ingest")).get("/rejections/").status_code == 403
    assert sign_in(api_key("read")).get("/load/").status_code == 403


def test_shows_open_rejections_newest_first(person: Client, rejected: list[int]) -> None:
    Rejection.objects.filter(pk=rejected[1]).update(state="discarded")
    page = visit(person)
    assert shown(page) == [rejected[2], rejected[0]]
    assert "<strong>2</strong> open rejected rows" in page
    assert shown(visit(person, state="any")) == rejected[::-1]
    assert shown(visit(person, state="discarded")) == [rejected[1]]


def test_filters_are_those_of_the_api(person: Client, rejected: list[int]) -> None:
    one = Rejection.objects.get(pk=rejected[0])
    assert shown(visit(person, code="fk_violation", table="", batch=" ")) == [rejected[1]]
    assert shown(visit(person, column="job_id")) == rejected[1::-1]
    assert shown(visit(person, batch=str(one.batch_id), table="employees")) == rejected[::-1]
    moment = one.created_at.replace(tzinfo=None).isoformat()
    assert shown(visit(person, since=moment)) == rejected[::-1]
    page = visit(person, until=moment)
    assert shown(page) == []
    # The form shows the time again as its own field writes it.
    assert f'name="until" value="{moment[:23]}"' in page


@pytest.mark.parametrize("query", ["state=new", "batch=5", "since=now", "tabel=jobs", "cursor=x"])
def test_a_bad_filter_is_a_page_that_says_so(person: Client, query: str) -> None:
    answer = person.get(f"/rejections/?{query}")
    assert answer.status_code == 400
    assert "bad_parameter" in answer.content.decode()


def test_counts_reasons_and_columns(person: Client, rejected: list[int]) -> None:
    page = visit(person, table="employees")
    choices = re.findall(r'<li><a href="\?([^"]+)">(\w+) <b>(\d+)</b>', page)
    assert [(value, rows) for _, value, rows in choices] == [
        ("fk_violation", "1"),
        ("required_missing", "1"),
        ("row_not_object", "1"),
        ("job_id", "2"),
    ]
    assert shown(person.get(f"/rejections/?{unescape(choices[0][0])}").content.decode()) == [
        rejected[1]
    ]


def test_counts_only_so_many(
    person: Client, rejected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "COUNTED", 2)
    assert "<strong>2 and more</strong>" in visit(person)


def test_pages_lead_from_one_to_the_next(
    person: Client, rejected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "ROWS_ON_A_PAGE", 2)
    first = visit(person, code="")
    assert shown(first) == rejected[:0:-1]
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found
    second = person.get(unescape(found[1])).content.decode()
    assert shown(second) == rejected[:1]
    assert 'rel="prev"' in second


def test_marks_each_value_with_the_reasons_against_it(person: Client, rejected: list[int]) -> None:
    card = lines(visit(person, code="fk_violation"))
    assert {name for name, line in card.items() if line.get("class") == "wrong"} == {"job_id"}
    assert (card["job_id"]["data-json"], card["job_id"]["data-kind"]) == ("8", "number")
    assert card["employee_name"]["data-json"] == '"Person 2"'
    assert lines(visit(person, code="required_missing"))["job_id"]["data-json"] == ""


def test_a_value_is_kept_with_every_digit_and_shown_as_text(person: Client, client: Client) -> None:
    row = '[{"job_id": 1.50, "job_name": "<b>\\u00e9", "extra": null}]'
    assert send(client, "jobs", row).status_code == 422
    page = visit(person)
    card = lines(page)
    assert card["job_id"]["data-json"] == "1.50"
    assert card["job_name"]["data-json"] == '"<b>\\u00e9"'
    assert card["job_name"]["data-text"] == "<b>é"
    assert (card["extra"]["data-json"], card["extra"]["class"]) == ("null", "wrong")
    assert "<b>é" not in page


def test_a_wide_row_shows_what_is_wrong_first(person: Client, client: Client) -> None:
    row = {f"c{number}": number for number in range(20)}
    columns = SQL(", ").join(SQL("{} integer").format(Identifier(name)) for name in row)
    statement = SQL("CREATE TABLE hiring.wide (id integer PRIMARY KEY, {}, spare text)")
    execute(statement.format(columns))
    assert send(client, "wide", [row | {"id": 1, "c3": "x"}]).status_code == 422
    page = visit(person)
    hidden = {name: "hidden" in line for name, line in lines(page).items()}
    assert [name for name, is_hidden in hidden.items() if not is_hidden] == ["c3"]
    assert "data-spare" in lines(page)["spare"]
    assert "Show 20 more values" in page


def test_a_row_whose_beginning_alone_was_kept_can_be_entered(
    person: Client, client: Client
) -> None:
    send(client, "departments", [{"department_id": 5, "department_name": "x" * 70_000}])
    page = visit(person)
    assert "Only the beginning of this row was kept" in page
    assert {line["data-json"] for line in lines(page).values()} == {""}


def test_a_row_of_a_table_that_is_gone_is_still_shown(person: Client, client: Client) -> None:
    execute("CREATE TABLE hiring.gone (id integer PRIMARY KEY)")
    send(client, "gone", [{"id": "x"}])
    execute("DROP TABLE hiring.gone")
    assert lines(visit(person, table="hiring.gone"))["id"]["data-text"] == "x"


def test_offers_changes_to_who_may_make_them(
    hiring: Client, rejected: list[int], api_key: KeyMaker
) -> None:
    offered = {
        name: 'data-action="edit"' in visit(sign_in(key))
        for name, key in {
            "all": api_key("read", "ingest"),
            "reader": api_key("read"),
            "other": api_key("read", "ingest", tables=["hiring.jobs"]),
        }.items()
    }
    assert offered == {"all": True, "reader": False, "other": False}


def test_reasons_are_the_newest(person: Client, hiring: Client, rejected: list[int]) -> None:
    send(hiring, "employees", [employee(2)])
    send(hiring, "jobs", [{"job_id": 8, "job_name": "New"}])
    assert replay(hiring, rejected[1]).status_code == 422
    page = visit(person, code="duplicate_key")
    found = re.search(r'data-errors="([^"]+)"', page)
    assert found
    errors: list[dict[str, Any]] = json.loads(unescape(found[1]))
    assert [error["code"] for error in errors] == ["duplicate_key"]


def test_the_load_page_knows_tables_and_limits(person: Client) -> None:
    page = visit(person, "/load/", table="hiring.jobs")
    assert '<option value="hiring.employees">' in page
    assert '<option value="hiring.jobs" selected>' in page
    assert 'data-max-rows="1000"' in page
