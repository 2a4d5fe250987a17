"""GET /api/tables/{table}/rows."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from psycopg.sql import SQL

from tests.api.sending import execute, send, stored
from tests.api.tables import employee, read_rows

pytestmark = pytest.mark.usefixtures("database")


def numbers(client: Client, query: str) -> list[int]:
    return [row["employee_id"] for row in read_rows(client, "employees", query)]


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
    assert [row["id"] for row in read_rows(extremes, "every_type", f"?{query}")] == [0]


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
    everything = read_rows(people, "employees", f"?{order}")
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
    execute(SQL("CREATE TABLE hiring.gaps ({}, a integer, b text)").format(SQL(key)))
    execute(
        "INSERT INTO hiring.gaps SELECT n, nullif(n % 3, 0), nullif((n % 4)::text, '1')"
        " FROM generate_series(1, 20) n"
    )
    everything = read_rows(client, "gaps", f"?order={order}")
    pages = follow(client, f"/api/tables/gaps/rows?limit=3&order={order}")
    assert [row for page in pages for row in page] == everything
    assert sorted(row["id"] for row in everything) == list(range(1, 21))
    names = [name.lstrip("-") for name in order.split(",") if name]
    terms = [f"{term.lstrip('-')} {'DESC' * term.startswith('-')}" for term in order.split(",")]
    if names:
        expected = stored(f"SELECT {', '.join(names)} FROM hiring.gaps ORDER BY {', '.join(terms)}")
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
    assert read_rows(client, address, f"?{quote(column)}__gt=1") == [{column: 2, "order": "b"}]
    assert read_rows(client, address, "?order__eq=a&order=order") == [{column: 1, "order": "a"}]


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
    assert found == stored("SELECT a, b FROM hiring.parts ORDER BY a, b")


def test_a_table_the_service_may_not_read_is_403(server: str, api_key: Any) -> None:
    import httpx

    execute("CREATE TABLE hiring.secret (id integer PRIMARY KEY)")
    execute("REVOKE ALL ON hiring.secret FROM rowhouse_service")
    headers = {"Authorization": f"Api-Key {api_key('read')}"}
    answer = httpx.get(f"{server}/api/tables/secret/rows", headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (403, "table_not_readable")


@pytest.mark.parametrize("query", ["", "?format=csv", "?format=ndjson"])
def test_the_service_s_own_role_reads_a_table_made_by_hand(
    server: str, api_key: Any, query: str
) -> None:
    import httpx

    execute("CREATE TABLE hiring.by_hand (id integer PRIMARY KEY)")
    execute("INSERT INTO hiring.by_hand VALUES (5)")
    headers = {"Authorization": f"Api-Key {api_key('read')}"}
    answer = httpx.get(f"{server}/api/tables/by_hand/rows{query}", headers=headers, timeout=60)
    assert (answer.status_code, "5" in answer.text) == (200, True)
