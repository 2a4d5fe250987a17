"""JSON bodies taken apart: the array of rows inside, and what must hold of all bytes."""

import json
import re
from dataclasses import dataclass

import msgspec

from ingest.errors import (
    BadShape,
    BadUtf8,
    BodyEmpty,
    JsonBom,
    JsonSyntax,
    NumberTooLong,
    RepeatedEnvelopeKey,
    TooDeep,
)
from ingest.outcome import SHOWN_CHARACTERS
from ingest.payload.json_syntax import Number, RepeatedKey, parse_json
from ingest.payload.json_text import has_long_number, is_deeper_than
from ingest.payload.payload import JsonArray

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SPACE = b" \t\n\r"
# White space, whole lines of it too, and what follows in a line.
_line = re.compile(rb"[ \t\n\r]*+([^\n]+)")
# From this limit on it is quicker to look at pieces first.
_WORTH_PIECES = 200


class _Outer(msgspec.Struct):
    rows: msgspec.Raw = msgspec.Raw()
    table: str | msgspec.UnsetType = msgspec.UNSET


_envelope = msgspec.json.Decoder(_Outer)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Envelope:
    """A body's array of rows, and the table's name where the body says it."""

    rows: JsonArray
    table: str | None


def check_text(body: bytes) -> None:
    """Refuse bytes that are no UTF-8 text or start with a byte order mark."""
    if body.startswith(_BOMS):
        raise JsonBom
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadUtf8(f"The body is not UTF-8 at byte {error.start}") from error
    if not body.strip(_SPACE):
        raise BodyEmpty


def check_numbers(text: bytes, max_digits: int) -> None:
    """Refuse JSON text that holds an endless number."""
    if max_digits >= _WORTH_PIECES and not _may_have_long_number(text, max_digits):
        return
    if has_long_number(text, max_digits):
        raise NumberTooLong(f"A number has more than {max_digits} digits")


def _may_have_long_number(text: bytes, max_digits: int) -> bool:
    """Return whether there may be more digits in a row: they fill a piece of half that length."""
    half = max_digits // 2
    return any(text[start : start + half].isdigit() for start in range(0, len(text), half))


def open_json(body: bytes, *, max_depth: int) -> Envelope:
    """Return the array of rows of a JSON body: the body itself, or `rows` of its outer object.

    Raises `JsonSyntax`, `BadShape`, `TooDeep` or `RepeatedEnvelopeKey`.
    """
    start = body.lstrip(_SPACE)[:1]
    if start == b"[":
        return Envelope(JsonArray(body), None)
    if start != b"{":
        _refuse_scalar(body, max_depth)
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError as error:
        raise BadShape(f"The outer object is not right: {error}") from error
    except msgspec.DecodeError as error:
        raise JsonSyntax(f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise TooDeep from error
    array = bytes(envelope.rows)
    _check_envelope(body, array, max_depth)
    if not array.startswith(b"["):
        raise BadShape("`rows` must be an array: put the row into one, [{…}]")
    return Envelope(JsonArray(array), None if envelope.table is msgspec.UNSET else envelope.table)


def split_lines(body: bytes, most: int) -> tuple[list[bytes], list[int]]:
    """Return the lines of an NDJSON body that are not blank, and their numbers from 1.

    Of more than `most` lines, one more than that is returned.
    """
    texts: list[bytes] = []
    numbers: list[int] = []
    number, at = 1, 0
    while len(texts) <= most and (found := _line.match(body, at)):
        number += body.count(b"\n", at, found.start(1))
        texts.append(found[1].rstrip(_SPACE))
        numbers.append(number)
        at = found.end()
    return texts, numbers


def _check_envelope(body: bytes, array: bytes, max_depth: int) -> None:
    """Refuse unknown and repeated keys, looking at the outer object without its rows."""
    shell = body.replace(array, b"0", 1) if len(array) > 2 else body
    if is_deeper_than(max_depth, shell):
        raise TooDeep
    try:
        names = _members.decode(shell).keys()
    except msgspec.DecodeError as error:
        raise JsonSyntax(f"The body is not JSON: {error}") from error
    unknown = sorted(names - {"rows", "table"})
    if "rows" not in names and unknown:
        raise BadShape("The body is a single object: put the row into an array, [{…}]")
    if "rows" not in names or unknown:
        named = ", ".join(unknown)[:SHOWN_CHARACTERS]
        problem = f"unknown keys {named!r}" if unknown else "there is no `rows`"
        raise BadShape(f"The outer object is not right: {problem}")
    _refuse_repeated(shell)


def _refuse_repeated(shell: bytes) -> None:
    """Refuse an outer object in which a key stands twice."""
    outer = parse_json(shell.decode())
    if isinstance(outer, RepeatedKey):
        key = outer.key[:SHOWN_CHARACTERS]
        raise RepeatedEnvelopeKey(f"The key {key!r} stands twice in the outer object")


def _refuse_scalar(body: bytes, max_depth: int) -> None:
    try:
        value = parse_json(body.decode())
    except ValueError as error:
        raise JsonSyntax(f"The body is not JSON: {error}") from error
    raise BadShape(f"The body is {_kind(value)}, not an array of objects")


def _kind(value: object) -> str:
    if isinstance(value, Number):
        return "a number"
    return {str: "a string", bool: "true or false"}.get(type(value), json.dumps(value))
