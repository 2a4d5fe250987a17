"""Random values that are almost, or just, what a PostgreSQL type takes."""

import json
import re

from hypothesis import strategies as st

# For each type: values to start from, and characters that edits put in.
EXAMPLES: dict[str, tuple[list[str], str]] = {
    "smallint": (
        ["0", "-1", "42", "32767", "-32768", "32768", "1_000", "0x1F", "0b1"],
        "0123_-+ .exXob",
    ),
    "integer": (
        ["0", "7", "2147483647", "-2147483648", "2147483648", "1_0", "0o7"],
        "0123_-+ .exo",
    ),
    "bigint": (
        ["9223372036854775807", "-9223372036854775808", "9223372036854775808"],
        "0129_-+ .e",
    ),
    "real": (
        [
            *["1.5", "3.4028235e38", "3.4028236e38", "1e-45", "1e-46", "0.1", "1e400"],
            *["16777216", "16777217", "123456.79", "123456.789", "1.1754944e-38", "33554436"],
        ],
        "0123456789.eE+-_ ",
    ),
    "double precision": (
        [
            *["0.1", "1.7976931348623157e308", "1.8e308", "5e-324", "1e-325", "NaN", "Infinity"],
            *["-0", "9007199254740992", "9007199254740993", "0.30000000000000004", "1e23", "1e22"],
            *["40.70828219230217", "5.684341886080802e-14", "40000000000000100", "0.1000"],
        ],
        "0123456789.eE+-_ ",
    ),
    "numeric": (
        ["0", "1.10", "-12345678901234567890.5", "1e10", "1E-20", "NaN", "1_000.5", ".5"],
        "0123.eE+-_ ",
    ),
    "numeric(6,2)": (
        ["1.5", "9999.99", "9999.995", "10000", "1.500", "1e3", "15e-1", "0.001"],
        "0129.eE+-_ ",
    ),
    "numeric(3,-2)": (["100", "12300", "99999", "150", "1e4", "1e2"], "0159.eE+-"),
    "boolean": (["true", "false", "t", "f", "yes", "on", "1", "TRUE", "tr"], "truefalsyon10 "),
    "date": (
        ["2021-07-31", "2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "2021-7-1"],
        "0123456789-/ TBC",
    ),
    "time": (
        ["16:02:08", "23:59:59.999999", "24:00:00", "10:30", "10:30:60", "1:2:3"],
        "0123456789:. aApmMZ+",
    ),
    "time(2)": (["16:02:08.12", "16:02:08.120", "16:02:08.123"], "0123456789:."),
    "timetz": (
        ["16:02:08Z", "16:02:08+05:30", "16:02:08-0800", "16:02:08+16:00", "10:30:00"],
        "0123456789:.Z+-",
    ),
    "timestamp": (
        [
            "2021-07-27T16:02:08",
            "2021-07-27 16:02:08.123456",
            "2021-07-27T16:02:08.1234567",
            "2021-07-27",
        ],
        "0123456789:.T tZ+-",
    ),
    "timestamp(0)": (
        ["2021-07-27T16:02:08", "2021-07-27T16:02:08.0", "2021-07-27T16:02:08.5"],
        "0123456789:.T",
    ),
    "timestamptz": (
        [
            "2021-07-27T16:02:08Z",
            "2021-07-27T16:02:08.123456+05:30",
            "0001-01-01T00:00:00+15:59",
            "9999-12-31T23:59:59-15:59",
            "2021-07-27T16:02:08.1234567Z",
            "2021-07-27t16:02:08z",
            "2021-07-27T16:02:08+18:00",
            "2021-07-27T16:02:08-00",
            "2021-02-29T00:00:00Z",
        ],
        "0123456789:.T tZz+-",
    ),
    "interval": (
        [
            "P1Y2M3DT4H5M6.5S",
            "P1W",
            "PT1.5S",
            "1 day 02:03:04",
            "-1 year",
            "3 mons",
            "00:00:01.1234567",
            "P0.5M",
            "1 day\n2 days",
            "-P1D",
            "@ 1 day",
            "1 day ago",
            "+1 day -2:00",
        ],
        "0123456789PYMDTHSW.:+- daysmonthyerhuintcg",
    ),
    "interval(0)": (["PT1S", "PT1.0S", "PT1.5S", "00:00:01.4"], "0123456789PTS.:"),
    "uuid": (
        [
            "6f1c6bb0-58a4-4d0b-9a0c-33ab7b7f8a11",
            "6F1C6BB058A44D0B9A0C33AB7B7F8A11",
            "{6f1c6bb0-58a4-4d0b-9a0c-33ab7b7f8a11}",
            "6f1c-6bb0-58a4-4d0b-9a0c-33ab-7b7f-8a11",
        ],
        "0123456789abcdefABCDEF-{}",
    ),
    "bytea": (
        ["aGVsbG8=", "", "/+8=", "\\x00ff", "\\xdeadbeef", "aGk", "YQ==", "YR=="],
        "aGVsb0/+=\\x-_ ",
    ),
    "varchar(5)": (
        ["", "abc", "abcde", "abcdef", "abcd ", "abcde ", "ééééé", "😀😀😀😀😀"],
        "ab é😀\t\\",
    ),
    "char(3)": (["ab", "abc", "abcd", "a  ", ""], "ab é"),
    "name": (["abc", "x" * 63, "x" * 64, "é" * 31, "é" * 32], "xé"),
    '"char"': (["a", "", "ab", "é"], "abé"),
    "money": (
        ["12.30", "12.345", "-1", "92233720368547758.07", "92233720368547758.08", "$1"],
        "0123.,$-",
    ),
    "inet": (["10.0.0.1", "10.0.0.1/8", "::1", "fe80::/10", "300.1.1.1"], "0123456789./:abcf"),
    "integer[]": (
        ["[1,2]", "[]", "[[1,2],[3,4]]", "{1,2}", "{1,NULL}", "[1,null]", "[[1],[2,3]]", "[1.5]"],
        "0123[],{} nul",
    ),
    "text[]": (
        ['["a","b"]', '["a,b","NULL",""]', '{a,"b c",NULL}', '{"a\\"b"}', "[null]", '["\\\\"]'],
        'abNUL"\\[]{}, ',
    ),
    "numeric(4,1)[]": (["[1.5]", "[1.55]", "{999.9}", "[1000]"], "0159.[]{},"),
    "timestamptz[]": (
        ['["2021-01-01T00:00:00Z"]', '["2021-01-01T00:00:00"]', '["2021-01-01T00:00:00.1234567Z"]'],
        '0123456789-:TZ."[]',
    ),
    "boolean[]": (["[true,false]", "{t,f}", '["t"]', "[1]"], 'truefals[]{},"1'),
    "jsonb": (
        ['{"a": 1.10}', "[1, null]", '"x"', "5", "1e400", '{"a":1,"a":2}', '"\\u0000"'],
        '{}[]",:0123.eau\\',
    ),
    "json": (['{"a": 1.10}', "[1, null]", '"x"', "5", '"\\ud800"'], '{}[]",:0123.eud8\\'),
}

_number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_document_types = {"json", "jsonb"}


def near_misses(type_name: str) -> st.SearchStrategy[str]:
    """Return texts of a type, with up to three random edits."""
    examples, alphabet = EXAMPLES[type_name]
    edit = st.tuples(st.integers(0, 60), st.sampled_from("idr"), st.sampled_from(alphabet))
    return st.builds(edit_text, st.sampled_from(examples), st.lists(edit, max_size=3))


def edit_text(text: str, edits: list[tuple[int, str, str]]) -> str:
    """Return a text after edits: each inserts, deletes or replaces (`i`, `d`, `r`) at a place."""
    for place, kind, character in edits:
        here = place % (len(text) + 1)
        if kind == "i":
            text = text[:here] + character + text[here:]
        else:
            text = text[:here] + (character if kind == "r" else "") + text[here + 1 :]
    return text


def spell_json(type_name: str, text: str) -> str:
    """Return the JSON value that a client would send for a text of a type."""
    is_document = type_name in _document_types or type_name.endswith("]")
    if is_document or type_name == "boolean" or _number.fullmatch(text):
        try:
            json.loads(text, parse_constant=_refuse)
        except ValueError:
            return json.dumps(text)
        return text
    return json.dumps(text)


def _refuse(name: str) -> None:
    raise ValueError(name)
