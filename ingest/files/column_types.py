"""The PostgreSQL type that a column's values call for, and what speaks for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import product
from uuid import UUID

import msgspec

from ingest.files.values import MONEY, NULL_WORDS, NUMBER, TEMPORAL, strip_money

_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d*)")
GERMAN = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?")
ENGLISH = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?")
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_INTEGERS = (("integer", 2**31), ("bigint", 2**63))
_BOOLEANS = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"))

_COMMA = "whether the comma divides thousands or decimals: every number reads both ways"

_DAYS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y"),
    *("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d%b%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y", "%d-%b-%y", "%d %b %y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S", " %H:%M:%S %z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """A type, how its values are written, and why; alternatives are what else it may be."""

    type: str
    evidence: str
    format: str | None = None  # the strptime pattern of dates that are not ISO 8601
    decimal: str | None = None
    thousands: str | None = None
    null_words: Sequence[str] = ()
    alternatives: Sequence[str] = ()
    question: str | None = None  # what the column does not tell
    has_blanks: bool = False  # whether blanks stand around values
    words: frozenset[str] = frozenset()  # of a boolean column


def infer_types(rows: Sequence[Sequence[str]]) -> list[ColumnType]:
    """Return the types of the columns of several rows."""
    return settle_commas([infer_type(values) for values in zip(*rows, strict=True)])


def infer_type(values: Sequence[str]) -> ColumnType:
    """Return the type that fits every value; the empty ones do not count.

    Words such as `NA` are null where all other values are of a type that has no words.
    """
    texts = [text for value in dict.fromkeys(values) if (text := value.strip())]
    if not texts:
        return ColumnType(type="text", evidence="no value in the sample")
    words = [text for text in texts if text.lower() in NULL_WORDS]
    others = [text for text in texts if text.lower() not in NULL_WORDS]
    found = _infer(others) if others else None
    if found is None:
        return _infer(texts) or _describe_text(texts)
    has_blanks = any(value != value.strip() for value in values)
    return replace(found, null_words=words, has_blanks=has_blanks)


def _infer(texts: Sequence[str]) -> ColumnType | None:
    for infer in (_infer_boolean, _infer_number, _infer_time, _infer_structure):
        if found := infer(texts):
            return found
    return None


def _infer_boolean(texts: Sequence[str]) -> ColumnType | None:
    given = {text.lower() for text in texts}
    pair = next((pair for pair in _BOOLEANS if given <= set(pair)), None)
    if pair is None or (len(given) == 1 and len(pair[0]) == 1):
        return None
    evidence = f"every value is {pair[0]} or {pair[1]}"
    return ColumnType(type="boolean", evidence=evidence, words=frozenset(given))


def _infer_number(texts: Sequence[str]) -> ColumnType | None:
    if all(map(_INTEGER.fullmatch, texts)):
        largest = max(abs(int(text)) for text in texts)
        name = next((name for name, bound in _INTEGERS if largest < bound), "numeric")
        alternatives = ("boolean",) if set(texts) == {"0", "1"} else ()
        evidence = f"whole numbers up to {largest}"
        return ColumnType(type=name, evidence=evidence, alternatives=alternatives)
    if all(map(NUMBER.fullmatch, texts)):
        return _infer_point(texts)
    is_english, is_german = (all(map(form.fullmatch, texts)) for form in (ENGLISH, GERMAN))
    if is_english and is_german:
        return ColumnType(
            type="numeric",
            evidence="numbers with a comma",
            alternatives=("decimal comma", "thousands comma"),
            question=_COMMA,
        )
    if is_english or is_german:
        decimal, thousands = (".", ",") if is_english else (",", ".")
        has_thousands = any(thousands in text for text in texts)
        return ColumnType(
            type="numeric",
            evidence=f"numbers such as {max(texts, key=len)}",
            decimal=decimal,
            thousands=thousands if has_thousands else None,
        )
    return None


def settle_commas(types: Sequence[ColumnType]) -> list[ColumnType]:
    """Return the types of a file's columns, commas that read both ways read as in the others."""
    decimals = {each.decimal for each in types if each.decimal}
    if len(decimals) != 1:
        return list(types)
    (decimal,) = decimals
    settled = ColumnType(
        type="numeric",
        evidence=f"numbers with a comma, in a file whose decimal mark is {decimal!r}",
        decimal=decimal,
        thousands="," if decimal == "." else None,
    )
    return [
        replace(settled, null_words=each.null_words) if each.question == _COMMA else each
        for each in types
    ]


def _infer_point(texts: Sequence[str]) -> ColumnType | None:
    if any(_has_leading_zero(text) for text in texts):
        return ColumnType(
            type="text", evidence="digits with zeros before them", alternatives=("numeric",)
        )
    is_scientific = any("e" in text.lower() for text in texts)
    type_name = "double precision" if is_scientific else "numeric"
    return ColumnType(type=type_name, evidence="numbers with a decimal point", decimal=".")


def _has_leading_zero(text: str) -> bool:
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def _infer_time(texts: Sequence[str]) -> ColumnType | None:
    if all(map(_TIME.fullmatch, texts)):
        return ColumnType(type="time", evidence="times of day")
    if all(map(_is_iso, texts)):
        return _infer_iso(texts)
    if not all(map(TEMPORAL.fullmatch, map(_without_month, texts))):
        return None
    fitting = find_patterns(texts)
    whole = [pattern for pattern in fitting if "%y" not in pattern]
    if len(whole) == 1:
        type_name = _pattern_type(whole[0])
        evidence = f"every value fits {whole[0]}"
        return ColumnType(type=type_name, evidence=evidence, format=whole[0])
    if not fitting:
        return None
    question = (
        "which part is the day and which the month: every date reads both ways"
        if whole
        else "which century the years of two digits are in"
    )
    type_name = _pattern_type(whole[0]) if whole else "text"
    return ColumnType(
        type=type_name, evidence="dates", alternatives=tuple(fitting), question=question
    )


def _without_month(text: str) -> str:
    """Return a date in the order month, day, year in the one of day, month, year."""
    return re.sub(r"([A-Za-z]{3,9}) (\d{1,2}), (\d{4})", r"\2 \1 \3", text)


def _pattern_type(pattern: str) -> str:
    if "%H" not in pattern and "%I" not in pattern:
        return "date"
    return "timestamp with time zone" if "%z" in pattern else "timestamp"


def find_patterns(texts: Sequence[str]) -> list[str]:
    """Return the patterns that every text fits; where they name the same days, the first."""
    fitting = [a + b for a, b in product(_DAYS, _TIMES) if _fits(texts[0], a + b)]
    return [pattern for pattern in fitting if all(_fits(text, pattern) for text in texts)]


def _fits(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)  # noqa: DTZ007 - only tried
    except ValueError:
        return False
    return True


def _is_iso(text: str) -> bool:
    if not _ISO.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _infer_iso(texts: Sequence[str]) -> ColumnType:
    if all(len(text) == len("2000-01-01") for text in texts):
        return ColumnType(type="date", evidence="ISO 8601 dates")
    zones = [bool(found["zone"]) for text in texts if (found := _ISO.fullmatch(text))]
    if all(zones):
        return ColumnType(
            type="timestamp with time zone", evidence="ISO 8601 timestamps with an offset"
        )
    return ColumnType(type="timestamp", evidence="ISO 8601 timestamps without an offset")


def _infer_structure(texts: Sequence[str]) -> ColumnType | None:
    if all(map(_is_uuid, texts)):
        return ColumnType(type="uuid", evidence="UUIDs")
    if all(text[0] in "{[" and _is_json(text) for text in texts):
        return ColumnType(type="jsonb", evidence="JSON objects or arrays")
    return None


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == len(str(UUID(int=0))) and bool(UUID(text))
    except ValueError:
        return False


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _describe_text(texts: Sequence[str]) -> ColumnType:
    longest = max(map(len, texts))
    signs = {found[0].strip() for text in texts if (found := MONEY.search(text))}
    if signs and all(ENGLISH.fullmatch(_bare(text)) for text in texts):
        sign = " ".join(sorted(signs))
        return ColumnType(
            type="text", evidence=f"numbers with {sign}", alternatives=(f"numeric without {sign}",)
        )
    return ColumnType(type="text", evidence=f"texts of up to {longest} characters")


def _bare(text: str) -> str:
    return strip_money(text.lstrip("-"))
