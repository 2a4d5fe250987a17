"""A batch validated without a database: which way its rows take, and in which groups they come."""

from dataclasses import replace

import msgspec
import pytest

from ingest.outcome import OnConflict
from ingest.payload.payload import CsvBody, JsonArray, JsonLines, Payload, RowList
from ingest.validation.fields import Limits, make_fields
from ingest.validation.native.library import load_library
from ingest.validation.validated_rows import ValidatedBatch
from ingest.validation.validator import Validator
from tests.needs import need
from tests.unit.ingest.definitions import make_column, make_integer, make_table, make_text

LIMITS = Limits(max_rows=9, max_row_bytes=100, max_depth=32, max_number_digits=1000)
TABLE = make_table(
    make_integer("id", not_null=True),
    make_text("name", not_null=True),
    make_text("city", default="'Bern'::text"),
)
DOCUMENTS = make_table(
    make_integer("id", not_null=True),
    make_column("doc"),
    make_column(
        "docs", type="jsonb[]", base="_jsonb", kind="array", element="jsonb", element_kind="base"
    ),
    make_column("sure", type="boolean", base_type="boolean", base="bool"),
)

GOOD: list[Payload] = [
    JsonArray(b'[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]'),
    JsonLines(b'{"id": 1, "name": "a"}\n\n{"id": 2, "name": "b"}'),
    CsvBody(b"ID,Name\n1,a\n2,b\n", "utf-8", has_header=True),
    CsvBody(b"1,a,\r\n2,b,\r\n", "utf-8", has_header=False),
]
BAD: list[Payload] = [
    JsonArray(b'[{"id": 1, "name": "a"}, {"id": "x", "name": "b"}]'),
    JsonLines(b'{"id": 1, "name": "a"}\n{"id": 2}'),
    CsvBody(b"ID,Name\n1,a\nx,b\n", "utf-8", has_header=True),
    CsvBody(b"ID,Name\n1,a\n2,b,c\n", "utf-8", has_header=True),
]


def validate(payload: Payload, on_conflict: OnConflict = "reject") -> ValidatedBatch:
    return Validator(TABLE, make_fields(TABLE, LIMITS), LIMITS).validate(payload, on_conflict)


@pytest.mark.parametrize("payload", GOOD)
def test_good_rows_are_told_by_compiled_code_and_by_column(payload: Payload) -> None:
    need(load_library(), "compiled code (make ingest/validation/native/rows.so)")
    validator = Validator(TABLE, make_fields(TABLE, LIMITS), LIMITS, ["id", "name"])
    for copies, way in [(True, "native"), (False, "column")]:
        batch = validator.validate(payload, copies=copies)
        assert (batch.received, batch.rejections, batch.validated) == (2, [], way)
        (rows,) = batch.groups
        assert list(map(int, rows.values.column("id"))) == [1, 2]
        assert set(rows.values.distinct("name")) == {"a", "b"}


@pytest.mark.parametrize("payload", BAD)
def test_a_bad_row_is_checked_by_itself_and_the_others_are_not(payload: Payload) -> None:
    batch = validate(payload)
    assert batch.validated == "row"
    assert [each.index for each in batch.rejections] == [1]
    assert [list(rows.places) for rows in batch.groups] == [[0]]


@pytest.mark.parametrize(
    ("on_conflict", "columns"),
    [
        ("reject", [("id", "name"), ("id", "name", "city")]),
        ("update", [("id", "name"), ("id", "name", "city")]),
    ],
)
def test_rows_that_leave_a_default_out_are_a_group_of_their_own(
    on_conflict: OnConflict, columns: list[tuple[str, ...]]
) -> None:
    text = b'[{"id":1,"name":"a"},{"id":2,"name":"b","city":null},{"id":3,"name":"c"}]'
    batch = validate(JsonArray(text), on_conflict)
    assert [rows.columns for rows in batch.groups] == columns
    assert [list(rows.places) for rows in batch.groups] == [[0, 2], [1]]
    assert batch.array([0, 2]) == b'[{"id":1,"name":"a"},{"id":3,"name":"c"}]'


def test_an_update_keeps_columns_apart_that_a_row_leaves_out() -> None:
    table = make_table(make_integer("id", not_null=True), make_text("note"))
    validator = Validator(table, make_fields(table, LIMITS), LIMITS)
    text = JsonArray(b'[{"id":1},{"id":2,"note":null}]')
    assert [rows.columns for rows in validator.validate(text).groups] == [("id", "note")]
    updated = validator.validate(text, "update").groups
    assert [rows.columns for rows in updated] == [("id",), ("id", "note")]


def test_a_row_checked_by_itself_is_stored_in_canonical_form() -> None:
    table = make_table(make_column("raw", type="bytea", base_type="bytea", base="bytea"))
    validator = Validator(table, make_fields(table, LIMITS), LIMITS)
    batch = validator.validate(JsonArray(rb'[{"raw": "\\x0a"}, {"raw": "Cg=="}]'))
    (rows,) = batch.groups
    assert msgspec.json.decode(batch.array(rows.places)) == [{"raw": "Cg=="}, {"raw": "Cg=="}]


CSV_DOCUMENTS = [
    ('1,"{""a"": 1.10}",,t', b'{"id":"1","doc":{"a": 1.10},"sure":true}'),
    ('1,null,"[1.50, ""2""]",FALSE', b'{"id":"1","doc":null,"docs":[1.50,2],"sure":false}'),
    ('1,"""x""","{1,""{}""}",', b'{"id":"1","doc":"x","docs":[1,{}]}'),
    ("1,\\N,,\\N", b'{"id":"1","doc":null,"sure":null}'),
]


@pytest.mark.parametrize(("record", "row"), CSV_DOCUMENTS)
def test_a_csv_record_becomes_the_row_that_has_its_values(record: str, row: bytes) -> None:
    validator = Validator(DOCUMENTS, make_fields(DOCUMENTS, LIMITS), LIMITS)
    batch = validator.validate(CsvBody(record.encode(), "utf-8", has_header=False, nulls=("\\N",)))
    assert batch.texts.select([0]) == [row]
    assert batch.rejections == []


@pytest.mark.parametrize(
    "payload",
    [
        CsvBody(b"x,{bad,,yes", "utf-8", has_header=False),
        RowList(
            [{"id": "x", "doc": "{bad", "docs": msgspec.UNSET, "sure": "yes"}], is_strict=False
        ),
    ],
)
def test_a_csv_record_has_all_its_errors_with_its_fields_as_they_were_sent(
    payload: Payload,
) -> None:
    validator = Validator(DOCUMENTS, make_fields(DOCUMENTS, LIMITS), LIMITS)
    (rejection,) = validator.validate(payload).rejections
    assert [(error.code, error.value) for error in rejection.errors] == [
        ("not_integer", msgspec.Raw(b'"x"')),
        ("bad_json", msgspec.Raw(b'"{bad"')),
        ("not_boolean", msgspec.Raw(b'"yes"')),
    ]


@pytest.mark.parametrize("copies", [True, False])
def test_white_space_is_a_value_where_the_setting_says_so(copies: bool) -> None:
    payload = JsonArray(b'[{"id": 1, "name": "\\t"}, {"id": 2, "name": " "}]')
    for is_missing, rejected in [(True, 2), (False, 0)]:
        limits = replace(LIMITS, blank_is_missing=is_missing)
        validator = Validator(TABLE, make_fields(TABLE, limits), limits)
        assert len(validator.validate(payload, copies=copies).rejections) == rejected
