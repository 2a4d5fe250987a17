"""What is wrong with a whole request: nothing is stored, and the answer says why."""

import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from project.models import ApiKey
from tests.api.sending import execute, send, stored

pytestmark = pytest.mark.usefixtures("database")

ROW = b'{"department_id": 1, "department_name": "Sales"}'
JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"

BODIES: list[tuple[str, str, bytes, int, str]] = [
    ("empty", JSON, b"", 400, "body_empty"),
    ("white space", JSON, b" \n", 400, "body_empty"),
    ("empty csv", CSV, b"\n\n", 400, "body_empty"),
    ("bom", JSON, b"\xef\xbb\xbf[" + ROW + b"]", 400, "json_bom"),
    ("utf-16 bom", JSON, "[]".encode("utf-16"), 400, "json_bom"),
    ("byte ff", JSON, b'[{"department_name": "\xff"}]', 400, "bad_utf8"),
    ("overlong", JSON, b'[{"department_name": "\xc0\xaf"}]', 400, "bad_utf8"),
    ("utf-8 surrogate", JSON, b'[{"department_name": "\xed\xa0\x80"}]', 400, "bad_utf8"),
    ("csv not utf-8", CSV, b"department_id,department_name\n1,\xff\n", 400, "bad_utf8"),
    ("NaN", JSON, b"[NaN]", 400, "json_syntax"),
    ("-Infinity", JSON, b'[{"department_id": -Infinity}]', 400, "json_syntax"),
    ("trailing comma", JSON, b"[" + ROW + b",]", 400, "json_syntax"),
    ("two documents", JSON, b"[" + ROW + b"] []", 400, "json_syntax"),
    ("comment", JSON, b"[" + ROW + b" /* no */]", 400, "json_syntax"),
    ("hex", JSON, b'[{"department_id": 0x1F}]', 400, "json_syntax"),
    ("leading zero", JSON, b'[{"department_id": 01}]', 400, "json_syntax"),
    ("control character", JSON, b'[{"department_name": "a\nb"}]', 400, "json_syntax"),
    ("single quotes", JSON, b"[{'department_id': 1}]", 400, "json_syntax"),
    ("truncated", JSON, b"[" + ROW, 400, "json_syntax"),
    ("bad escape", JSON, b'[{"department_name": "\\x41"}]', 400, "json_syntax"),
    ("syntax after a bad row", JSON, b'[{"department_id": "x"}, {]', 400, "json_syntax"),
    ("surrogate, then syntax", JSON, b'["\\ud800" 1]', 400, "json_syntax"),
    ("33 deep", JSON, b"[" * 33 + b"]" * 33, 400, "too_deep"),
    ("33 deep in a row", JSON, b'[{"a": ' + b"[" * 31 + b"]" * 31 + b"}]", 400, "too_deep"),
    ("1500 deep", JSON, b"[" * 1500 + b"]" * 1500, 400, "too_deep"),
    ("100000 deep", JSON, b"[" * 100_000 + b"]" * 100_000, 400, "too_deep"),
    ("100000 deep objects", JSON, b'{"a":' * 100_000, 400, "too_deep"),
    ("5000 digits", JSON, b'[{"department_id": ' + b"1" * 5000 + b"}]", 400, "number_too_long"),
    ("number", JSON, b"5", 400, "bad_shape"),
    ("string", JSON, b'"rows"', 400, "bad_shape"),
    ("null", JSON, b"null", 400, "bad_shape"),
    ("true", JSON, b"true", 400, "bad_shape"),
    ("no rows key", JSON, ROW, 400, "bad_shape"),
    ("one row", JSON, b'{"department_id": 1, "table": "x"}', 400, "bad_shape"),
    ("rows no array", JSON, b'{"rows": 5}', 400, "bad_shape"),
    ("rows null", JSON, b'{"rows": null}', 400, "bad_shape"),
    ("unknown outer key", JSON, b'{"rows": [' + ROW + b'], "x": 1}', 400, "bad_shape"),
    ("another table", JSON, b'{"table": "jobs", "rows": [' + ROW + b"]}", 400, "bad_shape"),
    ("empty array", JSON, b"[]", 400, "no_rows"),
    ("empty rows", JSON, b'{"rows": []}', 400, "no_rows"),
    ("header only", CSV, b"department_id,department_name\n", 400, "no_rows"),
    ("header of no column only", CSV, b"department\n", 400, "csv_header"),
    ("repeated outer key", JSON, b'{"rows": [], "rows": []}', 400, "duplicate_key_in_object"),
    ("1001 rows", JSON, b"[" + b",".join([ROW] * 1001) + b"]", 413, "too_many_rows"),
    ("1001 lines", NDJSON, b"\n".join([ROW] * 1001), 413, "too_many_rows"),
    ("plain text", "text/plain", b"[]", 415, "unsupported_media_type"),
    ("form", "application/x-www-form-urlencoded", b"a=1", 415, "unsupported_media_type"),
    ("utf-16 json", "application/json; charset=utf-16", b"[]", 415, "unsupported_media_type"),
    ("odd charset", "text/csv; charset=ebcdic", b"a", 415, "unsupported_media_type"),
    ("unclosed quote", CSV, b'department_id,department_name\n1,"Sales\n2,x\n', 400, "csv_syntax"),
    ("quote inside", CSV, b'department_id,department_name\n1,"a"b\n', 400, "csv_syntax"),
    ("repeated header", CSV, b"department_id,DepartmentId\n1,2\n", 400, "csv_header"),
    ("unknown header", CSV, b"department_id,nonsense\n1,2\n", 400, "csv_header"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [case[1:] for case in BODIES],
    ids=[case[0] for case in BODIES],
)
def test_refuses_the_whole_body(
    client: Client, content_type: str, body: bytes, status: int, code: str
) -> None:
    answer = send(client, "departments", body, content_type=content_type)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert stored("SELECT 1 FROM hiring.departments UNION ALL SELECT 1 FROM service.batch") == []


def test_names_the_line_where_csv_breaks(client: Client) -> None:
    body = b'department_id,department_name\n1,Sales\n2,"open\n3,x\n'
    assert send(client, "departments", body, content_type=CSV).json()["line"] == 3


@pytest.mark.parametrize(
    "table",
    ['a"b', "x;drop table departments", "a\0b", "t" * 64, "é" * 32, "pg_catalog.pg_authid",
     "service.api_key", "../x", "hiring.", ".departments", "hiring.departments.x", "nothing",
     "information_schema.tables", "reports.report_status"],
)  # fmt: skip
def test_answers_404_for_what_is_no_exposed_table(client: Client, table: str) -> None:
    answer = send(client, quote(table, safe=""), b"[" + ROW + b"]")
    assert (answer.status_code, answer.json()["code"]) == (404, "table_unknown")
    enveloped = json.dumps({"table": table, "rows": [{"department_id": 1}]})
    answer = client.post("/api/ingest", enveloped, content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (404, "table_unknown")


def test_takes_the_table_from_the_body(client: Client) -> None:
    body = b'{"table": "hiring.departments", "rows": [' + ROW + b"]}"
    answer = client.post("/api/ingest", body, content_type=JSON)
    assert answer.status_code == 201
    assert answer.json()["table"] == "hiring.departments"
    missing = client.post("/api/ingest", b"[" + ROW + b"]", content_type=JSON)
    assert (missing.status_code, missing.json()["code"]) == (400, "bad_shape")


@pytest.mark.parametrize(
    "query",
    ["?on_conflict=upsert", "?atomic=yes", "?dry_run=1", "?dryrun=true", "?header=none",
     "?on_conflict=update&conflict_key=nothing"],
)  # fmt: skip
def test_refuses_a_bad_parameter(client: Client, query: str) -> None:
    answer = send(client, "departments", b"[" + ROW + b"]", query)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert stored("SELECT * FROM hiring.departments") == []


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
def test_refuses_a_bad_idempotency_key(client: Client, key: str) -> None:
    answer = send(client, "departments", b"[" + ROW + b"]", **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def post_raw(client: Client, body: bytes, **meta: Any) -> Any:
    return client.generic("POST", "/api/ingest/departments", body, JSON, **meta)


def test_undoes_gzip(client: Client) -> None:
    packed = gzip.compress(b"[" + ROW) + gzip.compress(b"]")
    answer = post_raw(client, packed, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 201, answer.json()


@pytest.mark.parametrize(
    "body",
    [b"no gzip", gzip.compress(b"[" + ROW + b"]")[:-4], gzip.compress(b"[]") + b"x"],
    ids=["none", "cut", "followed"],
)
def test_refuses_broken_gzip(client: Client, body: bytes) -> None:
    answer = post_raw(client, body, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (400, "gzip_bad")


def test_refuses_a_gzip_bomb_without_unpacking_it(client: Client) -> None:
    answer = post_raw(
        client, gzip.compress(b" " * 200_000_000), headers={"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_refuses_an_unknown_encoding(client: Client) -> None:
    answer = post_raw(client, b"[]", headers={"Content-Encoding": "br"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("length", ["abc", "-1", "1_0"])
def test_refuses_a_bad_length(client: Client, length: str) -> None:
    answer = post_raw(client, b"[]", CONTENT_LENGTH=length)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_length")


def test_needs_a_length(client: Client) -> None:
    answer = post_raw(client, b"", CONTENT_LENGTH="")
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_refuses_a_body_over_the_limit_before_reading_it(client: Client) -> None:
    answer = post_raw(client, b"[]", CONTENT_LENGTH=str(1 << 30))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_needs_a_key_with_the_scope(client: Client, api_key: Any) -> None:
    body = b"[" + ROW + b"]"
    address = "/api/ingest/departments"
    answer = Client().post(address, body, content_type=JSON)
    assert (answer.status_code, answer.json()["code"]) == (401, "key_required")
    assert answer.headers["WWW-Authenticate"] == "Api-Key"
    for secret, status, code in [
        ("no.such", 401, "key_invalid"),
        ("", 401, "key_invalid"),
        (api_key("read"), 403, "scope_missing"),
        (api_key("ingest", tables=["hiring.jobs"]), 403, "scope_missing"),
    ]:
        answer = Client(headers={"Authorization": f"Api-Key {secret}"}).post(
            address, body, content_type=JSON
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    allowed = Client(headers={"Authorization": f"Api-Key {api_key('ingest', tables=['hiring'])}"})
    assert allowed.post(address, body, content_type=JSON).status_code == 201


def test_refuses_a_revoked_key(client: Client, api_key: Any) -> None:
    secret = api_key("ingest")
    ApiKey.objects.all().update(revoked=True)
    answer = Client(headers={"Authorization": f"Api-Key {secret}"}).post(
        "/api/ingest/departments", b"[]", content_type=JSON
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")


def test_a_table_made_by_hand_takes_rows_at_the_next_request(client: Client) -> None:
    assert send(client, "made", b'[{"id": 1}]').status_code == 404
    execute("CREATE TABLE hiring.made (id int PRIMARY KEY)")
    assert send(client, "made", b'[{"id": 1}]').status_code == 201
    execute("ALTER TABLE hiring.made ADD COLUMN note text NOT NULL DEFAULT 'none'")
    assert send(client, "made", b'[{"id": 2, "note": "new"}]').status_code == 201
    assert send(client, "made", b"id,Note\n3,csv\n", content_type=CSV).status_code == 201
    execute("ALTER TABLE hiring.made RENAME COLUMN note TO remark")
    refused = send(client, "made", b'[{"id": 4, "note": "old"}]')
    assert refused.json()["rejections"][0]["errors"][0]["code"] == "unknown_column"
    assert send(client, "made", b'[{"id": 4, "remark": "new"}]').status_code == 201
    execute("ALTER TABLE hiring.made ALTER COLUMN id TYPE numeric(4, 1)")
    assert send(client, "made", b'[{"id": 4.5}]').status_code == 201
    assert send(client, "made", b'[{"id": 4.55}]').status_code == 422
    execute("ALTER TABLE hiring.made ADD CHECK (id < 100)")
    assert (
        send(client, "made", b'[{"id": 500}]').json()["rejections"][0]["errors"][0]["code"]
        == "check_violation"
    )
    execute("DROP TABLE hiring.made")
    assert send(client, "made", b'[{"id": 5}]').status_code == 404


def test_a_single_object_is_told_to_be_put_into_an_array(client: Client) -> None:
    for row in (ROW, b'{"rows": ' + ROW + b"}"):
        answer = send(client, "departments", row)
        assert answer.json()["code"] == "bad_shape"
        assert "[{…}]" in answer.json()["detail"]
