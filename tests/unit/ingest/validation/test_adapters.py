"""What the check of a column lets through, the check of a row accepts: for every type."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.payload.csv_body import read_csv
from ingest.payload.payload import CsvBody, JsonArray
from ingest.validation.fields import Limits, make_fields
from ingest.validation.validator import Validator
from tests.near_misses import EXAMPLES, near_misses, spell_json
from tests.scale import scale
from tests.unit.ingest.definitions import make_column, make_table

LIMITS = Limits(max_rows=1000, max_row_bytes=1 << 20, max_depth=32, max_number_digits=1000)

# As the catalog describes each type: base type, kind, element, element's kind, type modifier.
_described: dict[str, tuple[str, str, str | None, str | None, int]] = {
    "smallint": ("int2", "base", None, None, -1),
    "integer": ("int4", "base", None, None, -1),
    "bigint": ("int8", "base", None, None, -1),
    "real": ("float4", "base", None, None, -1),
    "double precision": ("float8", "base", None, None, -1),
    "numeric": ("numeric", "base", None, None, -1),
    "numeric(6,2)": ("numeric", "base", None, None, (6 << 16 | 2) + 4),
    "numeric(3,-2)": ("numeric", "base", None, None, (3 << 16 | (-2 & 0x7FF)) + 4),
    "boolean": ("bool", "base", None, None, -1),
    "date": ("date", "base", None, None, -1),
    "time": ("time", "base", None, None, -1),
    "time(2)": ("time", "base", None, None, 2),
    "timetz": ("timetz", "base", None, None, -1),
    "timestamp": ("timestamp", "base", None, None, -1),
    "timestamp(0)": ("timestamp", "base", None, None, 0),
    "timestamptz": ("timestamptz", "base", None, None, -1),
    "interval": ("interval", "base", None, None, -1),
    "interval(0)": ("interval", "base", None, None, 0x7FFF0000),
    "uuid": ("uuid", "base", None, None, -1),
    "bytea": ("bytea", "base", None, None, -1),
    "varchar(5)": ("varchar", "text", None, None, 9),
    "char(3)": ("bpchar", "text", None, None, 7),
    "name": ("name", "text", None, None, -1),
    '"char"': ("char", "base", None, None, -1),
    "money": ("money", "base", None, None, -1),
    "inet": ("inet", "base", None, None, -1),
    "integer[]": ("_int4", "array", "int4", "base", -1),
    "text[]": ("_text", "array", "text", "text", -1),
    "numeric(4,1)[]": ("_numeric", "array", "numeric", "base", (4 << 16 | 1) + 4),
    "timestamptz[]": ("_timestamptz", "array", "timestamptz", "base", -1),
    "boolean[]": ("_bool", "array", "bool", "base", -1),
    "jsonb": ("jsonb", "base", None, None, -1),
    "json": ("json", "base", None, None, -1),
}


def make_validator(type_name: str, *, required: bool) -> Validator:
    base, kind, element, element_kind, type_mod = _described[type_name]
    fields: dict[str, Any] = {
        "type": type_name,
        "base_type": type_name,
        "base": base,
        "kind": kind,
        "element": element,
        "element_kind": element_kind,
        "type_mod": type_mod,
    }
    table = make_table(make_column("v", **fields, not_null=required), make_column("w"))
    return Validator(table, make_fields(table, LIMITS), LIMITS)


VALIDATORS = {
    (name, required): make_validator(name, required=required)
    for name in EXAMPLES
    for required in (True, False)
}


def test_every_type_is_tried() -> None:
    assert _described.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("type_name", EXAMPLES)
@settings(max_examples=scale(25), deadline=None)
@given(data=st.data())
def test_columns_of_json_rows_accept_no_more(
    type_name: str, required: bool, data: st.DataObject
) -> None:
    validator = VALIDATORS[type_name, required]
    text = data.draw(st.one_of(near_misses(type_name), st.text(max_size=8)))
    spelled = data.draw(st.sampled_from([spell_json(type_name, text), json.dumps(text)]))
    if data.draw(st.booleans()):
        spelled = escape(spelled)
    row = f'{{"v": {spelled}}}'.encode()
    if not validator.validate(JsonArray(b"[" + row + b"]")).rejections:
        _, errors = validator.row_checks.check_text(row, is_strict=True)
        assert errors == [], spelled


def escape(spelled: str) -> str:
    """Write a JSON string's characters as escapes."""
    if not spelled.startswith('"'):
        return spelled
    plain = json.loads(spelled)
    return '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < 0x10000 else one for one in plain) + '"'


@pytest.mark.parametrize("type_name", EXAMPLES)
@settings(max_examples=scale(25), deadline=None)
@given(data=st.data())
def test_columns_of_csv_records_accept_no_more(type_name: str, data: st.DataObject) -> None:
    validator = VALIDATORS[type_name, True]
    texts = data.draw(st.lists(st.one_of(near_misses(type_name), st.text(max_size=8)), max_size=3))
    texts = [re.sub("[\r\n]", "", text) if index else text for index, text in enumerate(texts)]
    lines = ['"' + text.replace('"', '""') + '"' for text in texts] or ["x"]
    try:
        body = "\n".join(["v", *lines]).encode("utf-8")
    except UnicodeEncodeError:
        return
    batch = validator.validate(CsvBody(body, "utf-8", has_header=True))
    rejected = {one.index for one in batch.rejections}
    for index, (field,) in enumerate(read_csv(body, "utf-8", has_header=True).records):
        if index not in rejected:
            _, errors = validator.reader.check({"v": field}, validator.row_checks)
            assert errors == [], field
