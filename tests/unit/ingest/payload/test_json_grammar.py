"""JSON bodies against the grammar of RFC 8259: what must be refused, and what must be read."""

import pytest

from ingest.errors import BadRequest, BadShape
from ingest.payload.json_body import check_text, open_json
from ingest.payload.payload import JsonLines
from ingest.validation.fields import Limits, make_fields
from ingest.validation.validated_rows import ValidatedBatch
from ingest.validation.validator import Validator
from project.base.errors import RowhouseError
from tests.unit.ingest.definitions import make_column, make_table

LIMITS = Limits(max_rows=1000, max_row_bytes=1 << 20, max_depth=32, max_number_digits=1000)
TABLE = make_table(make_column("v"), make_column("w"))
VALIDATOR = Validator(TABLE, make_fields(TABLE, LIMITS), LIMITS)


def decode(body: bytes) -> ValidatedBatch:
    """Read a body as the ingest endpoint does."""
    check_text(body)
    return VALIDATOR.validate(open_json(body, max_depth=LIMITS.max_depth).rows)


# Texts that are no JSON value. Each is refused as a body and as a value in a row.
NO_VALUES: list[bytes] = [
    # literals
    *(b"nul", b"nulll", b"NULL", b"Null", b"n", b"tru", b"truee", b"True", b"TRUE", b"fals"),
    *(b"falsee", b"False", b"FALSE", b"undefined", b"None", b"nan", b"NaN", b"-NaN", b"+NaN"),
    *(b"Infinity", b"-Infinity", b"+Infinity", b"inf", b"-inf", b"yes", b"nil", b"true false"),
    *(b"null null", b"truenull", b"\xc2\xa0null", b"null\xc2\xa0", b"n\x00ull"),
    # numbers
    *(b"+1", b"++1", b"--1", b"-", b"+", b"-+1", b"01", b"-01", b"00", b"-00", b"012", b"-012"),
    *(b"1.", b"-1.", b".5", b"-.5", b".", b"1.e1", b"1.e", b"0.e1", b"1e", b"1e+", b"1e-"),
    *(b"1E", b"1E+", b"0e", b"0e+", b"1e1.5", b"1e1e1", b"1.2.3", b"1..2", b"1 2", b"1_000"),
    *(b"1,000.0.", b"0x1F", b"0x", b"0b1", b"0o7", b"1f", b"1L", b"1a", b"1e1a", b"1.5x", b"- 1"),
    *(b"1 .5", b"1. 5", b"1 e5", b"1e 5", b"$5", b"5%", b"(5)", b"1/2", b"2+3", b"\xd9\xa1"),
    *(b"\xef\xbc\x91", b"1\xc2\xa0", b"-\xe2\x88\x9e", b"1e\xe2\x81\xb5", b"0.1.", b"9.e+"),
    # strings
    *(b'"', b'"a', b'a"', b"'a'", b"`a`", b"a", b'""a', b'"a"b"', b'"a" "b"'),
    *(b'"\\"', b'"\\\\\\"'),
    *(b'"\\x41"', b'"\\a"', b'"\\0"', b'"\\v"', b'"\\e"', b'"\\ "', b"\"\\'\"", b'"\\U0041"'),
    *(b'"\\u"', b'"\\u1"', b'"\\u12"', b'"\\u123"', b'"\\u123g"', b'"\\u 123"', b'"\\u+123"'),
    *(b'"\\u-123"', b'"\\u00', b'"\\ud800\\u"', b'"\\ud800\\u1"', b'"\\ud800\\x"', b'"\\u{41}"'),
    *(b'"\x00"', b'"\x01"', b'"\x08"', b'"\t"', b'"\n"', b'"\r"', b'"\r\n"', b'"\x0b"', b'"\x0c"'),
    *(b'"\x1f"', b'"a\nb"', b'"\\\n"', b'\\"a"', b"\\n"),
    *(b'"\\\xc3\xa9"', b"\xe2\x80\x9ca\xe2\x80\x9d"),
    # bytes that are no UTF-8
    *(b'"\xff"', b'"\x80"', b'"\xc0\xaf"', b'"\xc3"', b'"\xc3\x28"'),
    *(b'"\xe2\x82"', b'"\xed\xa0\x80"'),
    *(b'"\xed\xb0\x80"', b'"\xf0\x9f\x98"', b'"\xf4\x90\x80\x80"', b'"\xf8\x88\x80\x80\x80"'),
    *(b"\xff", b"1\xff", b"[\xff]", b'{"a\xff": 1}', b"\xf0\x82\x82\xac"),
    # arrays
    *(b"[", b"[[", b"[1", b"[1,", b"[,", b"[,]", b"[,1]", b"[1,]", b"[1,,2]", b"[1,,]", b"[1 2]"),
    *(b"[1;2]", b"[1:2]", b'["a" "b"]', b'["a", ', b'["a', b'["a]', b"[1, 2", b"[[1]", b"[1]]"),
    *(b"[1}", b"(1)", b"<1>", b"[1] 2", b"[1],", b"[a]", b"[-]", b"[1, nul]", b"[...]", b"[ ,1]"),
    *(b"[\x0c]", b"[\x0b1]", b"[\xe2\x81\xa01]", b"[\xc2\x85]", b"[1\x00]", b"[1 // one\n]"),
    *(b"[/* one */ 1]", b"[# one\n1]", b"[1 -- one\n]", b"[*]", b"[1, /]", b"[\\u0031]"),
    # objects
    *(b"{", b"{{", b"{}}", b"{,}", b'{"a"}', b'{"a":}', b'{"a" 1}', b'{"a":1'),
    *(b'{"a":1,', b"{:1}"),
    *(b'{"a":1,}', b'{"a":1,,}', b'{,"a":1}', b'{"a":1 "b":2}', b'{"a":1;"b":2}', b'{"a"=1}'),
    *(b'{"a"=>1}', b"{a:1}", b"{'a':1}", b"{1:1}", b"{null:1}", b"{true:1}"),
    *(b'{"a"::1}', b"{[]:1}"),
    *(b'{"a":1:2}', b'{"a", "b"}', b'{"a":1]', b'{"a":"b}', b'{"a', b'{"a":'),
    *(b'{"a"', b'{"a":1}}'),
    *(b'{"a":1} x', b'{"a":1}{"b":2}', b'{"a":1},', b'{"a":[}', b'{"a":{]}', b'{"a":1 /* x */}'),
    *(b'{"a":1} // x', b'{"\\x":1}', b'{"a\n":1}', b'{"a":\\1}', b'{"a":undefined}'),
    *(b"{[1]}", b"{1}"),
    *(b'{{"a":1}}', b'{"a":1\x00}', b'{"a"\xc2\xa0:1}', b'{"\\ud800\\u":1}', b"{*}", b'{"a":+1}'),
    # no value, or more than one
    *(b"/", b"/**/", b"//", b"#", b"*", b"@", b"?", b"&", b"<null>", b"]", b"}", b",", b":"),
]  # fmt: skip

# Refused as a body alone: put into a row they would be something else.
NO_BODIES: list[bytes] = [
    *(b"", b" ", b"\n\t\r", b"\xef\xbb\xbf", b"\xef\xbb\xbf[]"),
    *(b"\xff\xfe[\x00]\x00", b"\xfe\xff"),
    *("[1]".encode("utf-16-le"), "[1]".encode("utf-32-be"), b"[{}", b"[{}]]"),
    *(b"[{}],[{}]", b"[{}]{}"),
    *(b"[" * 33 + b"]" * 33, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 1000 + b"]" * 1000),
    *(b'[{"v":' * 20_000, b"[{}\x0c]", b"[{}]\x00", b"[{},{}", b'[{"v":1},]'),
    *(b'{"rows":[{}]', b"[{}"),
    *(b'{"rows":[{}]}}', b'{"rows":[{}],}', b'{"rows":[{},]}', b'{"rows" [{}]}', b'{rows:[{}]}'),
    *(b'{"rows":[{}]}[]', b'{"rows":[{"v":nul}]}', b'{"rows":[{"v":"\\ud800\\x"}]}', b'1,"a"'),
]  # fmt: skip

VALUES: list[bytes] = [
    *(b"null", b"true", b"false", b" null ", b"\t\r\nnull\n", b"0", b"-0", b"1", b"-1", b"10"),
    *(b"123456789", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809"),
    *(b"18446744073709551616", b"1" * 1000, b"0.0", b"0.5", b"-0.5", b"1.0", b"1.10", b"123.456"),
    *(b"0e0", b"0e1", b"0E5", b"0e+1", b"0e-1", b"1e5", b"1E5", b"1e+5", b"1E-5", b"1.5e300"),
    *(b"20e1", b"1e400", b"-1e400", b"1e-400", b"123e45"),
    *(b"123.456e78", b"0." + b"0" * 900 + b"1"),
    *(b'""', b'" "', b'"a"', b'"\x7f"', b'"/"', b'"\\/"', b'"\\""', b'"\\\\"', b'"\\\\\\\\"'),
    *(b'"\\b\\f\\n\\r\\t"', b'"\\u0041"', b'"\\u00e9"', b'"\\u00E9"', b'"\\uFFFF"', b'"\\u2028"'),
    *(b'"\\ud83d\\ude00"', b'"\\uD83D\\uDE00"', b'"\\ud834\\udd1e clef"', b'"\\u005c\\u0022"'),
    *('"é"'.encode(), '"😀"'.encode(), '"\u2028\u2029"'.encode()),
    *('"\ufeff"'.encode(), '"\uffff"'.encode()),
    *('"\U0010ffff"'.encode(), '"\u202e"'.encode(), b'"// no comment"'),
    *(b'"/* none */"', b'"{[}]"'),
    *(b'"\\\\u0000"', b'"\\\\ud800"', b'"a\\\\"', b'"\':,"', b'"\\"}"', b'"null"', b'"0x1F"'),
    *(b"[]", b"[ ]", b"[\n]", b"[1]", b"[1,2]", b"[ 1 , 2 ]", b"[[]]", b"[[],[]]"),
    *(b"[null]", b'[""]'),
    *(b'[1,"a",null,true,{},[]]', b"[1\n,\n2]", b'["a","b"]', b'[{"a":1},{"a":2}]', b"[[[[1]]]]"),
    *(b"{}", b"{ }", b'{"":1}', b'{"a":1}', b'{ "a" : 1 }'),
    *(b'{"a":1,"b":2}', b'{"a":{"a":{"a":1}}}'),
    *(b'{"a":[]}', b'{"a b":1}', b'{"\\u0061":1}', b'{"\\n":1}', b'{"a":1,"A":2}', b'{"a:":1}'),
    *('{"é":1}'.encode(), b'{"a":"b:c"}', b'{"a":null}', b'{"[":"]"}', b'{"a\\"":1}', b'{"0":0}'),
    b"[" * 29 + b"]" * 29,
    *(b'{"a":' * 29 + b"1" + b"}" * 29, b"[" + b",".join([b"1"] * 5000) + b"]"),
    *(b'{"rows":[]}', b'{"v":{"v":[{"v":1}]}}', b"[" + b" " * 5000 + b"]"),
]  # fmt: skip

# JSON by its grammar, which jsonb or a strict reader cannot hold: the row is rejected.
ROW_FAULTS: list[tuple[bytes, str]] = [
    (b'"\\u0000"', "nul_character"),
    (b'["a\\u0000"]', "nul_character"),
    (b'{"\\u0000":1}', "nul_character"),
    (b'"\\ud800"', "bad_unicode"),
    (b'"\\udc00"', "bad_unicode"),
    (b'"\\ud800a"', "bad_unicode"),
    (b'"\\ud800\\n"', "bad_unicode"),
    (b'"\\udc00\\ud800"', "bad_unicode"),
    (b'"\\ud800\\ud800\\udc00"', "bad_unicode"),
    (b'{"\\udead":1}', "bad_unicode"),
    (b'{"a":1,"a":2}', "duplicate_key_in_object"),
    (b'{"a":1,"\\u0061":1}', "duplicate_key_in_object"),
    (b'[{"a":{"b":1,"b":1}}]', "duplicate_key_in_object"),
]


def test_there_are_as_many_cases_as_in_well_known_suites() -> None:
    assert len(set(NO_VALUES + NO_BODIES)) >= 188
    assert len(set(VALUES)) >= 95


def shorten(text: object) -> str:
    return repr(text)[:40]


def assert_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as raised:
        decode(body)
    assert not isinstance(raised.value, BadShape), raised.value


@pytest.mark.parametrize("text", NO_VALUES + NO_BODIES, ids=shorten)
def test_refuses_a_body_that_is_not_json(text: bytes) -> None:
    assert_refused(text)


@pytest.mark.parametrize(
    "frame",
    [
        b'[{"v": %s}]',
        b'[{"v": 1}, {"v": %s, "w": 2}, {"v": 3}]',
        b'[{"unknown": %s}]',
        b'[{"v": "\\ud800"}, {"v": %s}]',
        b'[{"v": "x", "v": "y"}, {"v": %s}]',
        b'{"rows": [{"v": %s}]}',
        b"[{}, %s]",
    ],
)
@pytest.mark.parametrize("text", NO_VALUES, ids=shorten)
def test_refuses_a_body_with_a_value_that_is_not_json(text: bytes, frame: bytes) -> None:
    assert_refused(frame.replace(b"%s", text))


@pytest.mark.parametrize("frame", [b'[{"v": %s}]', b'{"rows": [{"w": null, "v":%s}]}'])
@pytest.mark.parametrize("text", VALUES, ids=shorten)
def test_reads_every_json_value(text: bytes, frame: bytes) -> None:
    decoded = decode(frame.replace(b"%s", text))
    assert (decoded.received, decoded.rejections) == (1, [])
    (rows,) = decoded.groups
    kept = decoded.array(rows.places)
    assert text.strip() in kept


@pytest.mark.parametrize("text", VALUES, ids=shorten)
def test_reads_every_json_value_in_rows_that_have_other_faults(text: bytes) -> None:
    decoded = decode(b'[{"v": %s, "x": 1}, {"v": %s}, 5, {"x": %s}]' % (text, text, text))
    found = {one.index: [error.code for error in one.errors] for one in decoded.rejections}
    assert found == {0: ["unknown_column"], 2: ["row_not_object"], 3: ["unknown_column"]}


@pytest.mark.parametrize("text", VALUES, ids=shorten)
def test_reads_every_json_value_as_a_body(text: bytes) -> None:
    try:
        codes = {error.code for one in decode(text).rejections for error in one.errors}
    except RowhouseError as error:
        codes = {error.code}
    # Refused, if at all, for what it holds, not as broken JSON.
    assert codes <= {"row_not_object", "unknown_column", "no_rows", "bad_shape", "too_many_rows"}


@pytest.mark.parametrize(("text", "code"), ROW_FAULTS)
def test_rejects_the_row_that_cannot_be_stored(text: bytes, code: str) -> None:
    decoded = decode(b'[{"v": 1}, {"v": %s}, {"w": %s}, {"v": 2}]' % (text, text))
    found = {one.index: [error.code for error in one.errors] for one in decoded.rejections}
    assert found == {1: [code], 2: [code]}


@pytest.mark.parametrize("text", NO_VALUES, ids=shorten)
def test_a_broken_line_is_that_rows_fault(text: bytes) -> None:
    body = b'{"v": 1}\n{"v": %s}\n{"v": 2}' % text
    try:
        check_text(body)
    except BadRequest:
        return
    decoded = VALIDATOR.validate(JsonLines(body))
    good = {index for rows in decoded.groups for index in rows.places}
    assert {0, decoded.received - 1} <= good
    assert decoded.rejections
