"""/tables/{table}: what a table takes, and requests to paste."""

import html
import json
import re
import shlex
from typing import Any

import pytest
from django.test import Client

from tests.api.sending import execute, send
from tests.api.test_dashboard import find_row, read_page, sign_in
from tests.conftest import KeyMaker
from tests.hiring import send_small

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def person(api_key: KeyMaker) -> Client:
    """Return a client with the session of a key that may read."""
    return sign_in(api_key("read"))


def read_snippet(page: str, name: str) -> str:
    found = re.search(rf'<pre id="{name}"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_the_list_leads_to_each_table(person: Client) -> None:
    assert 'href="/tables/hiring.jobs"' in find_row(read_page(person, "/tables/"), "hiring.jobs")


def test_columns_rules_and_references_are_shown(person: Client) -> None:
    page = read_page(person, "/tables/hiring.employees")
    for part in ("employee_name", "character varying(255)", "required", "First and last name"):
        assert part in page
    assert 'href="/tables/hiring.departments"' in page


def test_a_name_may_have_a_line_end(person: Client) -> None:
    execute('CREATE TABLE hiring."two\nlines" (id int PRIMARY KEY)')
    assert person.get("/").status_code == 200
    assert 'href="/tables/hiring.two%0Alines"' in read_page(person, "/tables/")
    assert "<h1>hiring.two\nlines</h1>" in read_page(person, "/tables/hiring.two%0Alines")


def test_an_unqualified_name_will_do(person: Client) -> None:
    assert "<h1>hiring.jobs</h1>" in read_page(person, "/tables/jobs")


def test_an_unknown_table_is_a_page_with_404(person: Client) -> None:
    answer = person.get("/tables/nothing")
    assert answer.status_code == 404
    assert "table_unknown" in answer.content.decode()


def test_the_example_is_stored_as_it_is(person: Client, client: Client) -> None:
    example = read_snippet(read_page(person, "/tables/hiring.jobs"), "example")
    answer = client.post("/api/ingest/hiring.jobs", example, content_type="application/json")
    assert answer.status_code == 201, answer.content


def test_every_snippet_sends_the_example_to_its_table(person: Client) -> None:
    page = read_page(person, "/tables/hiring.jobs")
    example = json.loads(read_snippet(page, "example"))
    address = "http://testserver/api/ingest/hiring.jobs"
    words = shlex.split(read_snippet(page, "curl").replace("\\\n", ""))
    assert words[-1] == address
    assert json.loads(words[words.index("-d") + 1]) == example
    assert sent_by_python(read_snippet(page, "python")) == (address, example)
    (item,) = json.loads(read_snippet(page, "postman"))["item"]
    assert item["request"]["url"]["raw"] == address
    assert json.loads(item["request"]["body"]["raw"]) == example


def sent_by_python(program: str) -> tuple[str, Any]:
    """Return where the program would send what, without sending it."""
    prepared, _, _ = program.partition("with urllib")
    names: dict[str, Any] = {}
    exec(prepared, names)
    request = names["request"]
    return request.full_url, json.loads(request.data)


def test_names_of_tables_are_quoted(person: Client) -> None:
    execute("""CREATE TABLE hiring."it's <b>" ("a'b" text PRIMARY KEY)""")
    page = read_page(person, "/tables/hiring.it's%20%3Cb%3E")
    assert "<b>" not in page
    words = shlex.split(read_snippet(page, "curl").replace("\\\n", ""))
    assert words[-1].endswith("/api/ingest/hiring.it%27s%20%3Cb%3E")


def test_the_latest_rows_are_the_last_of_the_key(person: Client, client: Client) -> None:
    assert "There are no rows yet" in read_page(person, "/tables/hiring.employees")
    send_small(client)
    page = read_page(person, "/tables/hiring.employees")
    assert re.findall(r"Person \d", page) == [f"Person {n}" for n in (6, 5, 4, 3, 2, 1)]


def test_long_values_are_cut_and_text_is_escaped(person: Client, client: Client) -> None:
    name = "<script>" + "x" * 200
    assert send(client, "jobs", [{"job_id": 1, "job_name": name}]).status_code == 201
    page = read_page(person, "/tables/hiring.jobs")
    assert "<script>x" not in page
    assert "&lt;script&gt;" + "x" * 112 + " …" in page


def test_rows_of_a_table_without_a_key_are_not_looked_for(person: Client) -> None:
    execute("CREATE TABLE hiring.remarks (remark text)")
    execute("INSERT INTO hiring.remarks VALUES ('unseen')")
    page = read_page(person, "/tables/hiring.remarks")
    assert "The table has no key" in page
    assert "unseen" not in page


def test_tables_of_public_datasets_are_shown_to_anyone(client: Client) -> None:
    anyone = Client()
    assert "nyc311.service_requests" in anyone.get("/tables/").content.decode()
    assert "hiring.jobs" not in anyone.get("/tables/").content.decode()
    assert anyone.get("/tables/nyc311.service_requests").status_code == 200
    assert anyone.get("/tables/hiring.jobs").status_code == 302
    assert anyone.get("/api/tables/hiring.jobs/rows").status_code == 401
    listed = anyone.get("/api/tables").json()["results"]
    assert {one["table"].partition(".")[0] for one in listed} == {
        *("covid", "mds", "nyc311", "open311")
    }
    everything = client.get("/api/tables").json()["results"]
    assert "hiring.jobs" in {one["table"] for one in everything}


def test_the_csv_link_is_safe_for_spreadsheets(person: Client) -> None:
    text = person.get("/tables/hiring.jobs").content.decode()
    assert "/api/tables/hiring.jobs/rows?format=csv&amp;safe=true" in text
