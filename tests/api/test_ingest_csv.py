"""POST /api/ingest/{table} with CSV bodies."""

import gzip
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from psycopg.sql import SQL, Identifier

from tests.api.csv_bodies import made_rows, make_people, send_csv
from tests.api.sending import codes, counts, execute, lines, raws, stored

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def made(client: Client) -> Client:
    make_people()
    return client


TEXT = "id,full_name,note\n1,Zoë,naïve\n"


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("", TEXT.encode()),
        ("utf-8", b"\xef\xbb\xbf" + TEXT.encode()),
        ("", TEXT.replace("\n", "\r\n").encode()),
        ("", TEXT.replace("\n", "\r").encode()),
        ("", TEXT.rstrip("\n").encode()),
        ("windows-1252", TEXT.encode("cp1252")),
        ("ISO-8859-1", TEXT.encode("latin-1")),
        ("utf-16", TEXT.encode("utf-16")),
        ("UTF-16", b"\xfe\xff" + TEXT.encode("utf-16-be")),
        ("utf-16le", TEXT.encode("utf-16-le")),
        ("utf-16be", ("\ufeff" + TEXT).encode("utf-16-be")),
    ],
)
def test_understands_character_sets_and_line_ends(made: Client, charset: str, body: bytes) -> None:
    answer = send_csv(made, body, charset=charset)
    assert (answer.status_code, counts(answer)) == (201, (1, 1, 0, 0, 0))
    assert made_rows() == [(1, "Zoë", None, "Bern", "naïve")]


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", b"id,full_name\n1,Zo\xeb\n"),
        ("windows-1252", b"id,full_name\n1,\x81\n"),
        ("us-ascii", "id,full_name\n1,Zoë\n".encode()),
        ("utf-16", "id,full_name\n".encode("utf-16") + b"1"),
    ],
)
def test_refuses_bytes_that_the_character_set_does_not_have(
    made: Client, charset: str, body: bytes
) -> None:
    answer = send_csv(made, body, charset=charset)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_utf8")


def test_counts_lines_through_quoted_line_feeds_and_blank_lines(made: Client) -> None:
    body = (
        "id,full_name,note\n"  # line 1
        '1,"Ann\n\nof\r\nRome",x\n'  # lines 2 to 5
        "\n"
        'x,Bob,"a\nb"\n'  # lines 7 and 8
        "\r\n"
        "3,Cid,ok\n"  # line 10
        "4,Dan\n"
        '5,"E""ve","=1+1"\n'
        "6,Fay,far too long for this column\n"
    )
    answer = send_csv(made, body)
    assert codes(answer.json()) == {
        1: [("not_integer", "id")],
        3: [("column_count", None)],
        5: [("too_long", "note")],
    }
    assert lines(answer) == {1: 7, 3: 11, 5: 13}
    assert made_rows() == [
        (1, "Ann\n\nof\r\nRome", None, "Bern", "x"),
        (3, "Cid", None, "Bern", "ok"),
        (5, 'E"ve', None, "Bern", "=1+1"),
    ]
    assert raws() == [b'x,Bob,"a\nb"', b"4,Dan", b"6,Fay,far too long for this column"]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('id,full_name\n1,Ann\n2,"Bob\n3,Cid\n', 3),
        ('id,full_name\n1,"Ann"x\n', 2),
        ('id,full_name\n1,"An\nn"\n2,"B" "ob"\n', 4),
        ('"id,full_name\n1,Ann\n', 1),
        ('id,full_name\n1,"Ann', 2),
    ],
)
def test_refuses_the_body_from_a_quote_that_is_out_of_place(
    made: Client, body: str, line: int
) -> None:
    answer = send_csv(made, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "csv_syntax")
    assert answer.json()["line"] == line


def test_a_quote_inside_a_bare_field_is_a_character(made: Client) -> None:
    assert counts(send_csv(made, 'id,full_name\n1,5" disk\n2,"x"\n')) == (2, 2, 0, 0, 0)
    assert [row[1] for row in made_rows()] == ['5" disk', "x"]


def test_nothing_is_a_missing_value_and_quotes_make_an_empty_string(made: Client) -> None:
    body = (
        'id,full_name,birthDate,city,note\n1,Ann,,,\n2,,,,\n,Bob,,"",x\n4,"",,,\n'
        '5,"Eve",,"", \n"",Fay,,,\n7,Gil,"",,""\n8,"Hal","2001-02-03","Rome",""\n'
    )
    for query in ("", "?on_conflict=update"):
        answer = send_csv(made, body, query)
        assert codes(answer.json()) == {
            1: [("required_missing", "full_name")],
            2: [("required_missing", "id")],
            3: [("required_missing", "full_name")],
            5: [("required_missing", "id")],
            6: [("bad_date", "birthDate")],
        }
        assert made_rows() == [
            (1, "Ann", None, "Bern", None),
            (5, "Eve", None, "", " "),
            (8, "Hal", "2001-02-03", "Rome", ""),
        ]
        execute("DELETE FROM hiring.made")


@pytest.mark.parametrize("query", ["", "&on_conflict=update"])
def test_words_that_mean_null_are_null_where_they_stand_without_quotes(
    made: Client, query: str
) -> None:
    body = (
        "id,full_name,birthDate,city,note\n"
        '1,Ann,\\N,\\N,NA\n2,"NA",,"\\N","NA"\n3,NA,NA,NA,\n\\N,Dan,,,\n5,Eve,x,Na,\\\\N\n'
        "6,Fay,,,NA \n"
    )
    answer = send_csv(made, body, f"?null=\\N&null=NA{query}")
    assert codes(answer.json()) == {
        2: [("null_not_allowed", "full_name")],
        3: [("null_not_allowed", "id")],
        4: [("bad_date", "birthDate")],
    }
    assert made_rows() == [
        (1, "Ann", None, None, None),
        (2, "NA", None, "\\N", "NA"),
        (6, "Fay", None, "Bern", "NA "),
    ]
    assert raws() == [rb"3,NA,NA,NA,", rb"\N,Dan,,,", rb"5,Eve,x,Na,\\N"]
    assert send_csv(made, "id,full_name,city\n7,Gil,\n", "?null=").status_code == 201
    assert made_rows()[-1] == (7, "Gil", None, None, None)


@pytest.mark.parametrize("word", ["a,b", 'a"b', '""', "a\n", "\r", "\0"])
def test_a_word_that_only_quotes_could_hold_cannot_mean_null(made: Client, word: str) -> None:
    answer = send_csv(made, "id,full_name\n1,Ann\n", f"?{urlencode({'null': word})}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert answer.json()["parameter"] == "null"


def test_a_field_with_a_line_feed_is_not_two_values(client: Client) -> None:
    columns = ["int", "numeric", "float8", "date", "uuid", "boolean", "interval", "timestamptz"]
    uuid = "6f1c6bb0-58a4-4d0b-9a0c-33ab7b7f8a11"
    values = ["1", "1.5", "2", "2020-01-01", uuid, "true", "1 day", "2021-01-01T00:00:00Z"]
    types = [SQL("{} {}").format(Identifier(f"c{i}"), SQL(name)) for i, name in enumerate(columns)]
    execute(SQL("CREATE TABLE hiring.made ({})").format(SQL(", ").join(types)))
    header = ",".join(f"c{i}" for i in range(len(columns)))
    for i, value in enumerate(values):
        fields = list(values)
        fields[i] = f'"{value}\n{value}"'
        answer = send_csv(client, f"{header}\n{','.join(fields)}\n")
        assert [column for _, column in codes(answer.json())[0]] == [f"c{i}"]
    assert send_csv(client, f"{header}\n{','.join(values)}\n").status_code == 201


def test_keeps_texts_as_they_are(made: Client) -> None:
    texts = ["=1+1", "\\N", "\\.", "a\tb", "\\n", "NULL", " x ", "'", "naïve", "\x7f", "\u2028x"]
    quoted = [f'"{text}"' if i % 2 else text for i, text in enumerate(texts)]
    body = "id,full_name\n" + "".join(f"{i},{text}\n" for i, text in enumerate(quoted))
    assert send_csv(made, body).status_code == 201
    assert [row[1] for row in made_rows()] == texts


@pytest.mark.parametrize("text", ["\\N", "\\.", "a\tb", "x"])
def test_keeps_texts_as_they_are_in_a_body_of_their_own(client: Client, text: str) -> None:
    execute("CREATE TABLE hiring.made (s text)")
    assert send_csv(client, f"s\n{text}\n").status_code == 201
    assert stored("SELECT s FROM hiring.made") == [(text,)]


def test_a_nul_character_rejects_its_row(made: Client) -> None:
    answer = send_csv(made, b"id,full_name\n1,a\x00b\n2,ok\n")
    assert codes(answer.json()) == {0: [("nul_character", "full_name")]}
    assert raws() == [b"1,a\x00b"]


def test_long_fields_and_long_rows(made: Client) -> None:
    limits = settings.CONFIG.ingest
    long = "x" * (limits.max_row_bytes - 100)
    longer = "y" * (2 * limits.max_row_bytes)
    answer = send_csv(made, f"id,full_name\n1,{long}\n2,{longer}\nx,{long}\n3,ok\n")
    assert codes(answer.json()) == {
        1: [("row_too_large", None)],
        2: [("not_integer", "id")],
    }
    assert stored("SELECT id, length(full_name) FROM hiring.made ORDER BY id") == [
        (1, len(long)),
        (3, 2),
    ]
    sent = [f"2,{longer}".encode(), f"x,{long}".encode()]
    assert stored('SELECT raw_bytes FROM service.rejection ORDER BY "index"') == [
        (len(row),) for row in sent
    ]
    assert raws() == [row[: limits.max_raw_bytes] for row in sent]


def test_a_table_of_one_column(client: Client) -> None:
    execute("CREATE TABLE hiring.made (n int)")
    answer = send_csv(client, 'n\n1\n\n2\n""\n3,4\n \n')
    assert codes(answer.json()) == {
        2: [("not_integer", "n")],
        3: [("column_count", None)],
        4: [("not_integer", "n")],
    }
    assert lines(answer) == {2: 5, 3: 6, 4: 7}
    assert stored("SELECT n FROM hiring.made ORDER BY n") == [(1,), (2,)]
    execute("ALTER TABLE hiring.made ADD s text; ALTER TABLE hiring.made DROP n")
    assert counts(send_csv(client, 's\n""\nx\n', "?header=present")) == (2, 2, 0, 0, 0)
    assert stored("SELECT s FROM hiring.made WHERE s IS NOT NULL ORDER BY s") == [("",), ("x",)]


def test_undoes_gzip(made: Client) -> None:
    body = gzip.compress("\ufeffid,full_name\r\n1,Zoë\r\nx,Bob\r\n".encode())
    answer = made.generic(
        "POST", "/api/ingest/made", body, "text/csv", headers={"Content-Encoding": "gzip"}
    )
    assert codes(answer.json()) == {1: [("not_integer", "id")]}
    assert made_rows() == [(1, "Zoë", None, "Bern", None)]
    assert raws() == [b"x,Bob"]


def test_constraint_failures_keep_line_and_raw(made: Client) -> None:
    answer = send_csv(made, 'id,full_name\n1,Ann\n"1",Bob\n\n2,"C\nid"\n2,Dan\n')
    assert codes(answer.json()) == {
        1: [("duplicate_in_batch", None)],
        3: [("duplicate_in_batch", None)],
    }
    assert lines(answer) == {1: 3, 3: 7}
    assert raws() == [b'"1",Bob', b"2,Dan"]


def test_an_update_by_csv_with_empty_fields_and_bad_rows(made: Client) -> None:
    execute("INSERT INTO hiring.made VALUES (1, 'Ann', '2001-01-01', 'Rome', 'x')")
    body = "id,full_name,birthDate,city\n1,Anna,,\n2,Bob,2002-02-02,\nx,,,\n1,Again,,Oslo\n"
    answer = send_csv(made, body, "?on_conflict=update")
    assert counts(answer) == (4, 1, 2, 0, 1)
    assert made_rows() == [
        (1, "Again", "2001-01-01", "Oslo", "x"),
        (2, "Bob", "2002-02-02", "Bern", None),
    ]
