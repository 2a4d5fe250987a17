"""What compiled code must encode, and bodies around what it may encode."""

import json
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

from ingest.catalog.definitions import ForeignKey
from tests.near_misses import edit_text

# For each type: what certainly is encoded, as the text inside the quotes of JSON and of CSV.
GOOD = {
    "smallint": ["0", "7", "-1", "32767", "-32768"],
    "integer": ["0", "42", "-7", "2147483647", "-2147483648"],
    "bigint": ["0", "-1", "9223372036854775807", "-9223372036854775808"],
    "real": ["0", "-0", "1.5", "-0.1", "16777215", "123456.79", "0.000000000000000000000000000001"],
    "double precision": [
        "0",
        "-0.0",
        "0.1",
        "1e10",
        "-1.5E-7",
        "40.70828219230217",
        "9007199254740991",
    ],
    "numeric(12,2)": ["0", "-0.00", "1", "1.5", "-1.50", "9999999999.99", "10000", "0.01"],
    "numeric": ["0", "0.000", "-0", "1.10", "100000000", "0.00001", "-12345.6789", "1" * 300],
    "numeric(5,0)": ["0", "99999", "-10000", "10"],
    "boolean": ["true", "false"],
    "text": ["a", "ä€😀", " a ", "\u2028a", "\x7f", "null", "\ufeff", "x" * 600],
    "varchar(5)": ["a", "abcde", "ééééé", "😀😀😀😀😀", "a  "],
    "char(3)": ["a", "abc", "é", "a "],
    "uuid": ["6f1c6bb0-58a4-4d0b-9a0c-33ab7b7f8a11", "6F1C6BB058A44D0B9A0C33AB7B7F8A11"],
    "date": ["2021-07-31", "2024-02-29", "1900-02-28", "0001-01-01", "9999-12-31", "1999-12-31"],
    "timestamp": [
        "2021-07-27T16:02:08",
        "2021-07-27 16:02",
        "0001-01-01t00:00:00.000001",
        "9999-12-31T23:59:59.999999000",
        "2000-02-29T00:00:00.1",
    ],
    "timestamp(0)": ["2021-07-27T16:02:08", "2021-07-27 16:02:08.000", "1969-12-31 23:59:59"],
    "timestamptz": [
        "2021-07-27T16:02:08Z",
        "2021-07-27t16:02z",
        "2021-07-27 16:02:08.123456+05:30",
        "0002-01-01T00:00:00+15:59",
        "9998-12-31T23:59:59-1559",
        "2021-07-27T16:02:08-08",
    ],
    "timestamptz(3)": ["2021-07-27T16:02:08.123Z", "1999-12-31T23:59:59.120000-00"],
}

# Beside edits of what is good (`tests.near_misses`): what no edit leads to.
ODD = {
    "smallint": ["-0", "00", "1.0", "1e2", "32768", "-32769", "65536", "1" * 30, "+1"],
    "integer": ["-0", "1.0", "1e2", "2147483648", "-2147483649", "4294967296", "01", "1" * 30],
    "bigint": ["-0", "1.0", "9223372036854775808", "-9223372036854775809", "1" * 20, "1" * 400],
    "real": [
        "3.4028236e38",
        "1e-46",
        "1e2",
        "1" * 36,
        "1" * 37,
        "0." + "0" * 44 + "1",
        "NaN",
        "16777217",
        "123456.789",
    ],
    "double precision": [
        "1e400",
        "5e-324",
        "1e-325",
        "Infinity",
        "1" * 37,
        "0." + "1" * 36,
        "1e-99",
        "9e99",
        "12345678901234567890.5",
        "9007199254740993",
        "40.708282192302171",
        "0.30000000000000004",
    ],
    "numeric(12,2)": ["10000000000", "1.000", "1e2", "1.005", "NaN", "0.", "." * 3, "00.1"],
    "numeric": ["1e10", "NaN", "1" * 301, "0." + "0" * 300 + "1", "1" * 1000, "-", "1_0"],
    "numeric(5,0)": ["100000", "1.0", "1e1", "-99999"],
    "boolean": ["t", "f", "TRUE", "1", "yes", "tru"],
    "text": [
        "",
        " ",
        "\u00a0",
        "\u3000",
        "\u2028",
        '"',
        "\n",
        "a\rb",
        "\r\n",
        "\\",
        "\\.",
        ",",
        "a\tb",
        "x" * 3000,
    ],
    "varchar(5)": ["", "abcdef", "abcde ", "éééééé", '"""""', "\\\\\\\\\\", "a,b\nc"],
    "char(3)": ["", "abcd", "abc ", '"a"', "\n"],
    "uuid": ["{6f1c6bb0-58a4-4d0b-9a0c-33ab7b7f8a11}", "6f1c6bb058a4-4d0b9a0c33ab7b7f8a11", ""],
    "date": ["2023-02-29", "2100-02-29", "0000-01-01", "2021-13-01", "2021-04-31", "10000-01-01"],
    "timestamp": [
        "2021-07-27T24:00:00",
        "2021-07-27T23:59:60",
        "2021-07-27T16:02:08Z",
        "2021-07-27",
        "2021-07-27T16:02:08." + "1" * 7,
        "2021-07-27T16:02:08." + "0" * 30,
        "2021-07-27T16:02:08." + "0" * 150,
        "2021-02-30 00:00",
    ],
    "timestamp(0)": ["2021-07-27T16:02:08.5", "2021-07-27T16:02:08.", "0000-01-01T00:00"],
    "timestamptz": [
        "0001-01-01T00:00:00+15:59",
        "9999-12-31T23:59:59-15:59",
        "2021-07-27T16:02:08+16",
        "2021-07-27T16:02:08+05:60",
        "2021-07-27T16:02:08",
        "2021-07-27T16:02:08.123456" + "0" * 130 + "Z",
        "2021-02-29T00:00Z",
    ],
    "timestamptz(3)": ["2021-07-27T16:02:08.1234Z", "2021-07-27T16:02:08.123" + "0" * 9 + "+00:0"],
}

# Parts of JSON strings, some of which are none.
PIECES = [
    *["a", "ä", "😀", " ", "/", "'", ",", "{", "]", "\u2028", "\x7f", "\ufffe"],
    *[r"\u00e4", r"\ud83d\ude00", r"\uD83D\uDE00", r"\n", r"\/", r"\"", r"\\", r"\t", r"\u0001"],
    *[r"\u0022", r"\uFFFF", r"\u20ac"],
]
BROKEN_PIECES = [
    *[r"\ud800", r"\ude00\ud83d", r"\ud83d\u0041", r"\ud83dx", r"\u0000", r"\u12", r"\u12g4"],
    *[r"\x", "\x01", "\n", "\t", "\0", '"', "\\"],
]
# What no column takes, or not in this spelling.
STRANGE_TOKENS = [
    *["null", "nul", "nullx", "true", "false", "True", "tr", "[1]", "[]", "{}", '{"a":1}', ""],
    *["-", "+1", ".5", "5.", "1e", "1e+", "0x10", "1 2", "NaN", "Infinity", "-Infinity", "'a'"],
    *['"', '"a', 'a"', '""', '" 1"', '"1 "', "1\0", '"null"', "00", "-01", "1.e1", "--1", "1-1"],
]
_TEXTS = {"text", "varchar(5)", "char(3)"}
_SPACES = st.sampled_from(["", "", "", "", " ", "\n", "\t", "\r\n", "  "])
_BARE = {"smallint", "integer", "bigint", "real", "double precision", "boolean"}

COLUMNS = ("needed", "plain", "größe", "sure", "narrow")
# These the table has a value for.
OMISSIBLE = COLUMNS[1:]

Texts = st.SearchStrategy[str]


@dataclass(frozen=True)
class Shape:
    """Which columns the rows of a body bring, and of which one the values are doubtful."""

    columns: tuple[str, ...]
    doubtful: str | None
    size: int


def is_bare(type_name: str) -> bool:
    """Return whether JSON may have the type's values without quotes."""
    return type_name in _BARE or type_name.startswith("numeric")


def good_spellings(type_name: str, text: str) -> list[str]:
    """Return a good value in the ways that JSON may have it."""
    if type_name == "boolean":
        return [text]
    return [text, quote(text)] if is_bare(type_name) else [quote(text)]


def quote(text: str) -> str:
    """Return a text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


def odd_texts(type_name: str) -> list[str]:
    """Return texts that are good or almost: too long or too short by a character."""
    good = GOOD[type_name]
    return [*ODD[type_name], *good, *[text[:-1] for text in good]] + [
        text + end for text in good for end in "0 x"
    ]


def odd_tokens(type_name: str) -> list[str]:
    """Return JSON values, or what looks like them, that are good at most in another spelling."""
    texts = odd_texts(type_name)
    escaped = [f'"{piece}"' for piece in PIECES + BROKEN_PIECES] if type_name in _TEXTS else []
    return [*texts, *map(quote, texts), *map(quote, STRANGE_TOKENS), *STRANGE_TOKENS, *escaped]


@cache
def good_tokens(type_name: str) -> Texts:
    """Return JSON values of which each is encoded."""
    texts = GOOD[type_name]
    return st.sampled_from([one for text in texts for one in good_spellings(type_name, text)])


@cache
def doubtful_tokens(type_name: str) -> Texts:
    """Return JSON values, or what looks like them, around those that are encoded."""
    texts = doubtful_texts(type_name)
    strategies = [good_tokens(type_name), texts.map(quote), st.sampled_from(STRANGE_TOKENS)]
    if is_bare(type_name):
        strategies.append(texts)
    if type_name in _TEXTS:
        strategies += [_strings(PIECES), _strings(PIECES), _strings(PIECES + BROKEN_PIECES)]
    return st.one_of(strategies)


@cache
def doubtful_texts(type_name: str) -> Texts:
    """Return texts around those that are encoded."""
    start = st.sampled_from(GOOD[type_name] + ODD[type_name])
    alphabet = 'aé😀 "\\\r\n,\x01' if type_name in _TEXTS else "0123456789-+.:eETtZz _af"
    edit = st.tuples(st.integers(0, 60), st.sampled_from("idr"), st.sampled_from(alphabet))
    return st.one_of(start, st.builds(edit_text, start, st.lists(edit, max_size=2)))


def _strings(pieces: list[str]) -> Texts:
    return st.lists(st.sampled_from(pieces), max_size=6).map(lambda parts: f'"{"".join(parts)}"')


def shapes() -> st.SearchStrategy[Shape]:
    """Return shapes of bodies."""
    chosen = st.sets(st.sampled_from(OMISSIBLE)).map(lambda some: ("needed", *sorted(some)))
    return chosen.flatmap(
        lambda columns: st.builds(
            Shape,
            st.permutations(columns).map(tuple),
            st.sampled_from([None, *columns]),
            st.sampled_from([1, 1, 2, 3, 5]),
        )
    )


def _rarely(draw: st.DrawFn, *oddities: str) -> str:
    """Return one of the oddities, most of the time none of them."""
    return draw(st.sampled_from([""] * 8 * len(oddities) + list(oddities)))


@st.composite
def json_rows(draw: st.DrawFn, type_name: str) -> list[str]:
    """Return rows as JSON texts, most of them sound."""
    shape = draw(shapes())
    tokens = {name: good_tokens(type_name) for name in shape.columns}
    if shape.doubtful:
        tokens[shape.doubtful] = doubtful_tokens(type_name)
    return [
        _write_object(draw, [(name, draw(values)) for name, values in tokens.items()])
        for _ in range(shape.size)
    ]


def _write_object(draw: st.DrawFn, members: list[tuple[str, str]]) -> str:
    oddity = _rarely(
        draw, "twice", "stranger", "absent", "shuffled", "null", "escaped", "{%s,}", "{%s", "[%s]"
    )
    first, last = members[0], members[-1]
    members = {
        "twice": [*members, first],
        "stranger": [*members, ("stranger", "1")],
        "absent": members[:-1],
        "shuffled": members[::-1],
        "null": [*members[:-1], (last[0], "null")],
        "escaped": [(rf"\u{ord(first[0][0]):04x}{first[0][1:]}", first[1]), *members[1:]],
    }.get(oddity, members)
    space = draw(_SPACES)
    text = f",{space}".join(f'"{name}"{space}:{value}{space}' for name, value in members)
    return (oddity if "%s" in oddity else f"{{{space}%s}}").replace("%s", text)


@st.composite
def json_arrays(draw: st.DrawFn, type_name: str) -> bytes:
    """Return rows as an array, most of them well formed."""
    rows = draw(json_rows(type_name))
    space = draw(_SPACES)
    oddity = _rarely(draw, "[%s,]", "[%s", "[%s] x", "[%s]\0", "[,%s]", "%s", "{%s}")
    form = oddity or f"{space}[{space}%s{space}]{space}"
    return form.replace("%s", f",{space}".join(rows)).encode()


@st.composite
def csv_bodies(draw: st.DrawFn, type_name: str) -> tuple[bytes, bool]:
    """Return a CSV body, and whether its first record names the columns."""
    shape = draw(shapes())
    has_header = draw(st.sampled_from([True, True, False]))
    columns = shape.columns if has_header else COLUMNS
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\r\n\r\n", "\r"]))
    fields = dict.fromkeys(columns, st.sampled_from(GOOD[type_name]))
    if shape.doubtful:
        fields[shape.doubtful] = doubtful_texts(type_name)
    lines = [",".join(_write_header(draw, list(columns)))] if has_header else []
    for _ in range(shape.size):
        record = ",".join(_write_field(draw, draw(values)) for values in fields.values())
        lines.append(
            {"more": record + ",", "fewer": record[:-1]}.get(_rarely(draw, "more", "fewer"), record)
        )
    text = _rarely(draw, "\ufeff", "\n") + end.join(lines) + draw(st.sampled_from([end, end, ""]))
    return text.encode(), has_header


def _write_header(draw: st.DrawFn, names: list[str]) -> list[str]:
    return {
        "quoted": [f'"{names[0]}"', *names[1:]],
        "loose": [f" {names[0].upper()} ", *names[1:]],
        "twice": [*names, names[0]],
        "stranger": [*names[:-1], "stranger"],
    }.get(_rarely(draw, "quoted", "loose", "twice", "stranger"), names)


def _write_field(draw: st.DrawFn, text: str) -> str:
    quoted = '"' + text.replace('"', '""') + '"'
    oddity = _rarely(draw, "empty", '""', "\0", '"a" b', ' "a"', '"a', "a\rb", "plain")
    if oddity:
        return {"empty": "", "plain": text}.get(oddity, oddity)
    needs_quotes = bool(set(text) & set('",\r\n'))
    return quoted if needs_quotes or draw(st.integers(0, 4)) == 4 else text


def make_key(column: str) -> ForeignKey:
    """Return a foreign key of the column, whose table nobody looks at."""
    return ForeignKey(
        name=column,
        match_full=False,
        table_oid=2,
        schema="hiring",
        table="other",
        partitioned=False,
        guarded=False,
        columns=(column,),
        referenced=("id",),
        value_type="text",
    )
