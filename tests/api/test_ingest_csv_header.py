"""The header of CSV bodies: how its names meet columns, and what is told of one that does not."""

import pytest
from django.test import Client

from tests.api.csv_bodies import made_rows, make_people, send_csv
from tests.api.sending import codes, counts, execute, lines, stored

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def made(client: Client) -> Client:
    make_people()
    return client


@pytest.mark.parametrize(
    "header",
    ["id,full_name,birthDate", "ID, FULL_NAME, BIRTH_DATE", " id ,Full Name,birth date",
     "I D,fullname,BIRTHDATE", "\tid,FullName , birth_Date ", '"id","Full Name","Birth Date"'],
)  # fmt: skip
def test_matches_headers_loosely(made: Client, header: str) -> None:
    answer = send_csv(made, f"{header}\n1,Ann,2001-02-03\n")
    assert (answer.status_code, counts(answer)) == (201, (1, 1, 0, 0, 0))
    assert made_rows() == [(1, "Ann", "2001-02-03", "Bern", None)]


def test_matches_headers_in_any_order_and_without_optional_columns(made: Client) -> None:
    assert counts(send_csv(made, "note,FULL_NAME,id\nx,Ann,1\n")) == (1, 1, 0, 0, 0)
    assert made_rows() == [(1, "Ann", None, "Bern", "x")]


def test_prefers_the_exact_name_and_refuses_an_ambiguous_one(client: Client) -> None:
    execute('CREATE TABLE hiring.made (a_b int, ab int, "A B" int)')
    assert send_csv(client, "ab,a_b,A B\n1,2,3\n").status_code == 201
    assert stored('SELECT a_b, ab, "A B" FROM hiring.made') == [(2, 1, 3)]
    answer = send_csv(client, "AB\n1\n")
    assert (answer.status_code, answer.json()["code"]) == (400, "csv_header")
    assert "a_b" in answer.json()["detail"]


@pytest.mark.parametrize(
    "header",
    ["id,full_name,", "id,full_name,unknown", "id,id", "id,ID", "id;full_name", "1,Ann", '""', ","],
)
def test_refuses_a_header_that_does_not_fit(made: Client, header: str) -> None:
    answer = send_csv(made, f"{header}\n1,Ann\n")
    assert (answer.status_code, answer.json()["code"]) == (400, "csv_header")
    assert stored("SELECT count(*) FROM service.batch") == [(0,)]


def header_problem(client: Client, header: str) -> str:
    """Return what is said of a header."""
    answer = send_csv(client, f"{header}\n1,Ann\n")
    assert (answer.status_code, answer.json()["code"]) == (400, "csv_header")
    return str(answer.json()["detail"])


COLUMNS = "The columns are id, full_name, birthDate, city, note"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (
            "id,Nam,full_name,nöte,ID",
            '"Nam" is not a column; "nöte" is not a column; "ID" names the column id again.'
            f" {COLUMNS}",
        ),
        (
            "id;full name;city",
            f'"id;full name;city" is not a column. {COLUMNS}. Its names are divided by semicolons:'
            " a CSV body has commas between its fields",
        ),
        (
            "id\tnote",
            f'"id\\tnote" is not a column. {COLUMNS}. Its names are divided by tabs: a CSV body has'
            " commas between its fields",
        ),
        (
            "7,Ann",
            f'"7" is not a column; "Ann" is not a column. {COLUMNS}. Is it a row? Where the first'
            " line is one, send header=absent",
        ),
        ("id,", f'"" is not a column. {COLUMNS}'),
    ],
)
def test_a_header_is_told_all_that_is_wrong(made: Client, header: str, problem: str) -> None:
    assert header_problem(made, header) == f"The header does not fit hiring.made: {problem}"


def test_a_column_that_the_database_sets_is_not_called_unknown(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int GENERATED ALWAYS AS IDENTITY, n int,
            twice int GENERATED ALWAYS AS (n * 2) STORED)
    """)
    assert header_problem(client, "ID,n,twice,x") == (
        'The header does not fit hiring.made: "ID" is set by the database and cannot be sent;'
        ' "twice" is set by the database and cannot be sent; "x" is not a column.'
        " The columns are n"
    )


def test_quotes_between_other_delimiters_are_told(made: Client) -> None:
    answer = send_csv(made, '"id";"full_name"\n"1";"Ann"\n')
    assert (answer.status_code, answer.json()["code"]) == (400, "csv_syntax")
    assert "are the fields divided by semicolons?" in answer.json()["detail"]


def test_a_long_header_is_told_in_part(made: Client) -> None:
    told = header_problem(made, ",".join("x" * 300 for _ in range(1000)))
    assert "980 more do not fit" in told
    assert len(told) < 4000


def test_a_missing_required_column_is_missing_in_every_row(made: Client) -> None:
    answer = send_csv(made, "id\n1\n2\n")
    assert codes(answer.json()) == {
        0: [("required_missing", "full_name")],
        1: [("required_missing", "full_name")],
    }


def test_without_a_header_columns_are_in_table_order(made: Client) -> None:
    answer = send_csv(made, "1,Ann,2001-02-03,Rome,x\n2,Bob,,,\n3,Cid\n", "?header=absent")
    assert codes(answer.json()) == {2: [("column_count", None)]}
    assert lines(answer) == {2: 3}
    assert made_rows() == [
        (1, "Ann", "2001-02-03", "Rome", "x"),
        (2, "Bob", None, "Bern", None),
    ]


def test_without_a_header_read_only_columns_have_no_place(client: Client) -> None:
    execute("""
        CREATE TABLE hiring.made (
            id int GENERATED ALWAYS AS IDENTITY, n int, m int GENERATED ALWAYS AS (n * 2) STORED)
    """)
    assert counts(send_csv(client, "5\n6\n", "?header=absent")) == (2, 2, 0, 0, 0)
    assert stored("SELECT n, m FROM hiring.made ORDER BY n") == [(5, 10), (6, 12)]
