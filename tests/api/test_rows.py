"""GET /api/tables/{table}/rows."""

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from tests.api.tables import (
    EVERY_TYPE,
    body_of,
    employee,
    execute,
    fetch,
    make_every_type_table,
    send,
)

pytestmark = pytest.mark.usefixtures("database")

# Every type's values at their limits, as PostgreSQL takes them.
EXTREMES = [
    {
        "small": "-32768",
        "big": "9223372036854775807",
        "amount": "-1234567890123456789012345678.0123456789",
        "free": "1.000000000000000000000000000000000000010",
        "single": "3.4028235e38",
        "double": "2.2250738585072014e-308",
        "flag": "f",
        "words": 'a"b\\c\n\u00e9\U0001f600\t, ',
        "short": "",
        "fixed": "ab",
        "day": "0001-01-01",
        "at": "23:59:59.999999",
        "at_zone": "00:00:00-12:30",
        "moment": "9999-12-31 23:59:59.999999",
        "instant": "2021-07-27 18:02:08.123456+02",
        "span": "1 year 2 mons -3 days +04:05:06.789",
        "ident": "0190F2C4-7e5a-7c3e-9d7b-2f6a1c0b4e11",
        "plain_json": '{"b": 1.10,\n "a":  [1e400, null]}',
        "binary_json": '{"b": 1.10, "a": [12345678901234567890.5, "\u00e9"]}',
        "bytes": "\\x" + "00ff27" * 40,
        "numbers": "{{1,NULL},{3,-4}}",
        "names": '{"a,b",NULL,"NULL","","{}"}',
        "amounts": "{1.10,2.00}",
        "instants": '{"2021-07-27 16:02:08.5+00"}',
        "blobs": '{"\\\\x00ff"}',
        "documents": '{"{\\"a\\": 1.10}"}',
        "address": "2001:db8::1/64",
        "addresses": "{192.0.2.1}",
        "span_of": "[1,10)",
        "bits": "101",
        "place": "(1.5,-2)",
        "search": "'fat':2 'rat':3",
    },
    {"words": "", "flag": "t", "names": "{}", "plain_json": '"null"', "double": "0.1"},
    {},
]


@pytest.fixture
def people(hiring: Client) -> Client:
    """Return a client; there are seven employees, two hired at a time."""
    rows = [employee(n, hire_date=f"2021-07-{1 + n // 2:02}T00:00:00Z") for n in range(7)]
    assert send(hiring, "employees", rows).status_code == 201
    return hiring


@pytest.fixture
def extremes(client: Client) -> Client:
    """Return a client; hiring.every_type holds values at their limits."""
    make_every_type_table()
    for number, values in enumerate(EXTREMES):
        columns = ", ".join(["id", *values])
        texts = ", ".join("'" + value.replace("'", "''") + "'" for value in values.values())
        execute(
            f"INSERT INTO hiring.every_type ({columns}) VALUES"
            f" ({', '.join(filter(None, [str(number), texts]))})"
        )
    return client


def read(client: Client, table: str, query: str = "") -> list[Any]:
    answer = client.get(f"/api/tables/{table}/rows{query}")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def numbers(client: Client, query: str) -> list[int]:
    return [row["employee_id"] for row in read(client, "employees", query)]


def test_answers_rows_in_the_order_of_their_key(people: Client) -> None:
    answer = people.get("/api/tables/employees/rows").json()
    assert (answer["next"], answer["previous"]) == (None, None)
    assert [row["employee_id"] for row in answer["results"]] == list(range(7))
    assert answer["results"][0] == employee(0, hire_date="2021-07-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("employee_id=3", [3]),
        ("employee_id__eq=3", [3]),
        ("employee_id__gte=5", [5, 6]),
        ("employee_id__gt=5&employee_id__lte=6", [6]),
        ("employee_id__lt=2", [0, 1]),
        ("employee_id__ne=0&employee_id__lt=2", [1]),
        ("employee_id__in=2,4,99", [2, 4]),
        ("hire_date=2021-07-02T00:00:00Z", [2, 3]),
        ("hire_date__gte=2021-07-03T02:00:00%2B02:00", [4, 5, 6]),
        ("employee_name=Person 1", [1]),
        ('employee_name__in="Person 1",Person 2', [1, 2]),
        ("employee_name__isnull=true", []),
        ("employee_name__isnull=false&employee_id=1", [1]),
        ("order=-employee_id&limit=2", [6, 5]),
        ("order=-hire_date&limit=3", [6, 5, 4]),
        ("order=-hire_date,employee_id&limit=3", [6, 4, 5]),
        ("employee_id__in=", []),
    ],
)
def test_filters_and_orders(people: Client, query: str, expected: list[int]) -> None:
    assert numbers(people, f"?{query}") == expected


@pytest.mark.parametrize(
    "query",
    [
        "nothing=1",
        "employee_id__like=1",
        "employee_id=x",
        "employee_id=2.5",
        "employee_id=99999999999",
        "employee_id__in=1,x",
        'employee_id__in="1',
        "employee_id__isnull=1",
        "hire_date=2021-07-02",
        "employee_name=a%00b",
        "order=nothing",
        "order=employee_id,-employee_id",
        "order=employee_id,",
        "format=xml",
        "limit=0",
        "limit=5000",
        "cursor=x",
    ],
)
def test_refuses_what_the_table_does_not_have(people: Client, query: str) -> None:
    answer = people.get(f"/api/tables/employees/rows?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


@pytest.mark.parametrize("query", ["place=(1,2)", "plain_json=1", "numbers={1}", "order=names"])
def test_refuses_to_compare_what_has_no_order(extremes: Client, query: str) -> None:
    answer = extremes.get(f"/api/tables/every_type/rows?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


@pytest.mark.parametrize("query", ["address=x", "span_of=[1", "bits=2", "search='"])
def test_a_value_that_only_the_database_can_judge_is_refused_too(
    extremes: Client, query: str
) -> None:
    answer = extremes.get(f"/api/tables/every_type/rows?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


@pytest.mark.parametrize(
    "query",
    [
        "flag=false",
        "bytes=" + quote("AP8n" * 40),
        "fixed=ab",
        "ident=0190f2c4-7e5a-7c3e-9d7b-2f6a1c0b4e11",
        "amount=-1234567890123456789012345678.0123456789",
        "address=2001:db8::1/64",
        "bits=101",
        "day=0001-01-01",
        "span=P1Y2M",
        "short=",
    ],
)
def test_every_comparable_type_filters(extremes: Client, query: str) -> None:
    if query.startswith("span="):
        execute("UPDATE hiring.every_type SET span = '1 year 2 mons' WHERE id = 0")
    assert [row["id"] for row in read(extremes, "every_type", f"?{query}")] == [0]


ORDERS = [
    "",
    "order=employee_id",
    "order=-employee_id",
    "order=hire_date",
    "order=-hire_date,employee_id",
    "order=job_id,-hire_date",
]


def follow(client: Client, address: str, link: str = "next") -> list[list[Any]]:
    """Return the rows of every page that the links lead to."""
    pages = []
    while address:
        answer = client.get(address).json()
        pages.append(answer["results"])
        address = answer[link]
    return pages


@pytest.mark.parametrize("order", ORDERS)
def test_pages_lead_through_all_rows_and_back(people: Client, order: str) -> None:
    everything = read(people, "employees", f"?{order}")
    pages = follow(people, f"/api/tables/employees/rows?limit=2&{order}")
    assert [row for page in pages for row in page] == everything
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    last = people.get(f"/api/tables/employees/rows?limit=2&{order}").json()
    while last["next"]:
        last = people.get(last["next"]).json()
    assert follow(people, last["previous"], "previous") == pages[2::-1]


@pytest.mark.parametrize("order", ["", "a", "-a", "a,b", "-a,b", "b,-a", "-b,-a"])
@pytest.mark.parametrize("key", ["id integer PRIMARY KEY", "id integer"])
def test_pages_take_every_row_once_where_values_are_null_or_equal(
    client: Client, order: str, key: str
) -> None:
    execute(f"CREATE TABLE hiring.gaps ({key}, a integer, b text)")
    execute(
        "INSERT INTO hiring.gaps SELECT n, nullif(n % 3, 0), nullif((n % 4)::text, '1')"
        " FROM generate_series(1, 20) n"
    )
    everything = read(client, "gaps", f"?order={order}")
    pages = follow(client, f"/api/tables/gaps/rows?limit=3&order={order}")
    assert [row for page in pages for row in page] == everything
    assert sorted(row["id"] for row in everything) == list(range(1, 21))
    names = [name.lstrip("-") for name in order.split(",") if name]
    terms = [f"{term.lstrip('-')} {'DESC' * term.startswith('-')}" for term in order.split(",")]
    if names:
        expected = fetch(f"SELECT {', '.join(names)} FROM hiring.gaps ORDER BY {', '.join(terms)}")
        assert [tuple(row[name] for name in names) for row in everything] == expected


def test_a_cursor_is_good_for_its_own_order_only(people: Client) -> None:
    link = people.get("/api/tables/employees/rows?limit=2").json()["next"]
    answer = people.get(f"{link}&order=hire_date")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "cursor")


def test_rows_that_come_in_between_move_no_page(people: Client) -> None:
    first = people.get("/api/tables/employees/rows?limit=3&order=-employee_id").json()
    send(people, "employees", [employee(50)])
    second = people.get(first["next"]).json()
    assert [row["employee_id"] for row in second["results"]] == [3, 2, 1]


@pytest.mark.parametrize("name", ["Mixed Case", 'with"quote', "per%cent", "dotted.name", "a/b"])
def test_reads_tables_of_any_name_and_columns_of_any_name(client: Client, name: str) -> None:
    quoted = name.replace('"', '""')
    column = 'Odd "Col" %s {x}'
    written = column.replace('"', '""')
    execute(f'CREATE TABLE hiring."{quoted}" ("{written}" integer PRIMARY KEY, "order" text)')
    execute(f"INSERT INTO hiring.\"{quoted}\" VALUES (1, 'a'), (2, 'b')")
    address = f"hiring.{quote(name, safe='')}"
    assert read(client, address, f"?{quote(column)}__gt=1") == [{column: 2, "order": "b"}]
    assert read(client, address, "?order__eq=a&order=order") == [{column: 1, "order": "a"}]


def test_reads_partitioned_tables_and_composite_keys(client: Client) -> None:
    execute(
        "CREATE TABLE hiring.parts (a integer, b text, PRIMARY KEY (a, b)) PARTITION BY LIST (a)"
    )
    for part in (1, 2):
        execute(
            f"CREATE TABLE hiring.parts_{part} PARTITION OF hiring.parts FOR VALUES IN ({part})"
        )
    execute("INSERT INTO hiring.parts SELECT 1 + n % 2, n::text FROM generate_series(1, 9) n")
    pages = follow(client, "/api/tables/parts/rows?limit=2")
    found = [(row["a"], row["b"]) for page in pages for row in page]
    assert found == fetch("SELECT a, b FROM hiring.parts ORDER BY a, b")


def test_values_keep_every_digit(extremes: Client) -> None:
    text = extremes.get("/api/tables/every_type/rows?id=0").content.decode()
    for digits in (
        "9223372036854775807",
        "-1234567890123456789012345678.0123456789",
        "1.000000000000000000000000000000000000010",
        "12345678901234567890.5",
        '"2021-07-27T16:02:08.123456+00:00"',
        '"moment":"9999-12-31T23:59:59.999999"',
    ):
        assert digits in text


def twin_differences() -> list[Any]:
    return fetch(
        "SELECT one::text, other::text FROM hiring.every_type one"
        " FULL JOIN hiring.twin other USING (id) WHERE one::text IS DISTINCT FROM other::text"
    )


def test_rows_read_as_ndjson_can_be_sent_to_a_twin_table_unchanged(extremes: Client) -> None:
    make_every_type_table("twin")
    answer = extremes.get("/api/tables/every_type/rows?format=ndjson")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = body_of(answer).splitlines()
    assert len(lines) == len(EXTREMES)
    receipt = send(extremes, "twin", b"[" + b",".join(lines) + b"]")
    assert receipt.status_code == 201, receipt.content
    # A json value keeps its text; only the line breaks between its tokens are spaces now.
    execute(
        r"UPDATE hiring.every_type SET plain_json = replace(plain_json::text, E'\n', ' ')::json"
    )
    assert twin_differences() == []


def test_rows_read_again_are_all_ignored(people: Client) -> None:
    lines = body_of(people.get("/api/tables/employees/rows?format=ndjson")).splitlines()
    again = send(people, "employees", b"[" + b",".join(lines) + b"]", "?on_conflict=ignore").json()
    assert (again["received"], again["ignored"]) == (7, 7)


def test_rows_read_again_update_nothing(extremes: Client) -> None:
    lines = body_of(extremes.get("/api/tables/every_type/rows?format=ndjson")).splitlines()
    columns = {"plain_json"}  # has no equality
    rows = [{k: v for k, v in json.loads(line).items() if k not in columns} for line in lines[1:]]
    again = send(extremes, "every_type", rows, "?on_conflict=update").json()
    assert (again["received"], again["ignored"]) == (2, 2), again


def test_answers_only_the_columns_that_are_asked_for(people: Client) -> None:
    query = "?columns=job_id,employee_id&employee_id__lt=2"
    assert read(people, "employees", query) == [
        {"job_id": 7, "employee_id": 0},
        {"job_id": 7, "employee_id": 1},
    ]
    csv_text = body_of(people.get(f"/api/tables/employees/rows{query}&format=csv"))
    assert csv_text == b"job_id,employee_id\r\n7,0\r\n7,1\r\n"
    for wrong in ("nothing", "job_id,job_id", ""):
        answer = people.get(f"/api/tables/employees/rows?columns={wrong}")
        assert (answer.status_code, answer.json()["parameter"]) == (400, "columns")


def test_streams_csv_in_which_null_and_the_empty_string_differ(extremes: Client) -> None:
    answer = extremes.get("/api/tables/every_type/rows?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = body_of(answer).decode()
    first, second, third = csv.DictReader(io.StringIO(text, newline=""))
    assert list(first) == ["id", *EVERY_TYPE]
    assert first["words"] == EXTREMES[0]["words"]
    assert first["instant"] == "2021-07-27T16:02:08.123456+00:00"
    assert first["bytes"] == "AP8n" * 40
    assert (first["flag"], second["flag"], third["flag"]) == ("false", "true", "")
    assert text.splitlines()[-1] == "2" + "," * len(EVERY_TYPE)
    assert '\r\n1,,,,,,0.1,true,"",' in text


def test_disarms_formulas_in_csv_only_when_asked(hiring: Client) -> None:
    send(hiring, "departments", [{"department_id": 2, "department_name": "=1+1"}])
    address = "/api/tables/departments/rows?format=csv&department_id=2"
    assert body_of(hiring.get(address)).endswith(b"2,=1+1\r\n")
    assert body_of(hiring.get(f"{address}&safe=true")).endswith(b"2,'=1+1\r\n")


def test_a_stream_is_of_all_rows_or_up_to_the_limit(client: Client) -> None:
    execute("CREATE TABLE hiring.many (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.many SELECT generate_series(1, 2500)")
    lines = body_of(client.get("/api/tables/many/rows?format=ndjson")).splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(1, 2501))
    some = body_of(client.get("/api/tables/many/rows?format=ndjson&limit=2000&order=-id"))
    assert [json.loads(some.splitlines()[at])["id"] for at in (0, -1)] == [2500, 501]


def test_a_stream_of_no_rows_is_empty(client: Client) -> None:
    assert body_of(client.get("/api/tables/jobs/rows?format=ndjson")) == b""
    assert body_of(client.get("/api/tables/jobs/rows?format=csv")) == b"job_id,job_name\r\n"


def test_a_bad_filter_of_a_stream_is_refused_before_it_begins(extremes: Client) -> None:
    answer = extremes.get("/api/tables/every_type/rows?format=csv&address=x")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_a_stream_gives_its_connection_back_when_it_is_left(client: Client) -> None:
    execute("CREATE TABLE hiring.many (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.many SELECT generate_series(1, 5000)")
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    before = fetch(query)
    answer: Any = client.get("/api/tables/many/rows?format=ndjson")
    next(answer.streaming_content)
    answer.close()
    execute("DROP TABLE hiring.many")
    assert fetch(query) == before


def test_a_table_the_service_may_not_read_is_403(server: str, api_key: Any) -> None:
    import httpx

    execute("CREATE TABLE hiring.secret (id integer PRIMARY KEY)")
    execute("REVOKE ALL ON hiring.secret FROM rowhouse_service")
    headers = {"Authorization": f"Api-Key {api_key('read')}"}
    answer = httpx.get(f"{server}/api/tables/secret/rows", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "table_not_readable")


@pytest.mark.parametrize("query", ["", "?format=csv", "?format=ndjson"])
def test_the_service_s_own_role_reads_a_table_made_by_hand(
    server: str, api_key: Any, query: str
) -> None:
    import httpx

    execute("CREATE TABLE hiring.by_hand (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.by_hand VALUES (5)")
    headers = {"Authorization": f"Api-Key {api_key('read')}"}
    answer = httpx.get(f"{server}/api/tables/by_hand/rows{query}", headers=headers)
    assert (answer.status_code, "5" in answer.text) == (200, True)
