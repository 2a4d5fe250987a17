"""What the bytes of a JSON text tell without parsing it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from ingest.errors import JsonSyntax, TooDeep

_encode = msgspec.json.Encoder().encode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode

# Escapes that stand for what PostgreSQL cannot store, or that msgspec refuses as a syntax error.
_SUSPECT_ESCAPES = (b"\\u0000", b"\\ud", b"\\uD")

# What `is_deeper_than` and `has_long_number` keep of a text, and how much of it at a time is cut at
# its quotes: the memory for that does not grow with the text.
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_PIECE_BYTES = 64 * 1024

# How deep the places are that `is_deeper_than` takes out at once, the deepest first.
_PASSES = (16, 4, 1)

# The commas of an array from which on `has_more_rows` looks closer.
_WORTH_COUNTING = 100_000


def has_suspect_escape(text: bytes) -> bool:
    """Return whether a JSON text has an escape that needs a closer look."""
    return b"\\" in text and any(escape in text for escape in _SUSPECT_ESCAPES)


def count_quotes(text: bytes) -> int:
    """Return how many quotes begin or end a string in a JSON text."""
    return drop_plain_escapes(text).count(b'"')


def drop_plain_escapes(text: bytes) -> bytes:
    """Return a JSON text without its escaped backslashes and quotes."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text


def has_other_escapes(text: bytes) -> bool:
    """Return whether a JSON text has escapes that are unknown to COPY and in arrays."""
    return b"\\" in drop_plain_escapes(text)


def is_deeper_than(limit: int, text: bytes) -> bool:
    """Return whether a JSON text is nested deeper; nearly free where it has few brackets.

    Of what is no JSON the answer may be wrong.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    brackets = drop_plain_escapes(text).translate(_BRACKETS, _NO_BRACKETS)
    brackets = b"".join(_leave_strings_out(brackets))
    # Without the places where nesting falls and rises again, the deepest one stays as deep. Each
    # pass makes all of them shallower: where one is left, it was deeper than the limit.
    for depth in _PASSES:
        valley = b"]" * depth + b"[" * depth
        for _ in range(limit):
            if valley not in brackets:
                break
            brackets = brackets.replace(valley, b"")
    return b"][" in brackets or brackets.count(b"[") > limit


def has_long_number(text: bytes, max_digits: int) -> bool:
    """Return whether a JSON text has more digits in a row outside its strings."""
    endless = b"0" * (max_digits + 1)
    if endless not in text.translate(_DIGITS):
        return False
    bare = b"".join(_leave_strings_out(drop_plain_escapes(text)))
    return endless in bare.translate(_DIGITS)


def _leave_strings_out(text: bytes) -> Iterator[bytes]:
    """Yield a JSON text without plain escapes piece by piece, without strings and quotes."""
    is_inside = False
    for start in range(0, len(text), _PIECE_BYTES):
        parts = text[start : start + _PIECE_BYTES].split(b'"')
        yield b"".join(parts[is_inside::2])
        is_inside ^= len(parts) % 2 == 0


def array_text(scalars: Sequence[Any]) -> str | None:
    """Return scalars as the text of a PostgreSQL array: a JSON array's with other brackets.

    None where a string has an escape that PostgreSQL would read in another way.
    """
    text = _encode(scalars)
    return None if has_other_escapes(text) else f"{{{text[1:-1].decode()}}}"


def printable(text: str) -> str:
    """Return text that JSON and PostgreSQL can hold: no U+0000, no half surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def join_rows(texts: Iterable[bytes]) -> bytes:
    """Return the JSON array of rows given as JSON texts."""
    return b"[" + b",".join(texts) + b"]"


def join_lines(texts: Sequence[bytes]) -> bytes | None:
    """Return lines that look like objects as one JSON array, else None.

    Where no value is an array or object, each line that is not one row of its own makes another
    number of rows, or no JSON: the line feed keeps a string from going on in the next line.
    """
    if not all(text[:1] == b"{" and text[-1:] == b"}" for text in texts):
        return None
    return b"[" + b",\n".join(texts) + b"]"


def has_more_rows(most: int, array: bytes) -> bool:
    """Return whether a JSON array has more rows, without room for each; False where it is none."""
    if array.count(b",") < _WORTH_COUNTING:
        return False
    try:
        return _counting_decoder(most).decode(array) is not None
    except (msgspec.DecodeError, RecursionError):
        return False


@lru_cache(maxsize=4)
def _counting_decoder(most: int) -> "msgspec.json.Decoder[msgspec.Struct]":
    """Return a decoder of arrays that are longer; what follows is looked at, and not kept."""
    fields = [(f"row_{place}", msgspec.Raw) for place in range(most + 1)]
    return msgspec.json.Decoder(msgspec.defstruct("Rows", fields, array_like=True, gc=False))


def split_rows(array: bytes) -> list[bytes]:
    """Return the text of each row of a JSON array.

    Raises `JsonSyntax` where it is no JSON array, `TooDeep` where it cannot be read.
    """
    try:
        return list(map(bytes, _split(array)))
    except RecursionError as error:
        raise TooDeep from error
    except msgspec.DecodeError as error:
        if not has_suspect_escape(array):
            raise JsonSyntax(f"The body is not JSON: {error}") from error
    try:
        return _split_like(array, _hide_surrogates(array))
    except RecursionError as error:
        raise TooDeep from error
    except msgspec.DecodeError as error:
        raise JsonSyntax(f"The body is not JSON: {error}") from error


def _hide_surrogates(text: bytes) -> bytes:
    """Return a JSON text of the same length whose escapes msgspec does not refuse.

    It refuses half a surrogate pair, which concerns the row that holds it only.
    """
    return text.replace(b"\\ud", b"\\u0").replace(b"\\uD", b"\\u0")


def _split_like(array: bytes, hidden: bytes) -> list[bytes]:
    """Return the text of each row of an array whose rows begin and end where `hidden`'s do."""
    rows: list[bytes] = []
    at = 0
    for row in _split(hidden):
        start = hidden.index(bytes(row), at)
        at = start + len(bytes(row))
        rows.append(array[start:at])
    return rows
