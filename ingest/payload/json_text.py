"""What the bytes of a JSON text tell without parsing it."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ingest.errors import JsonSyntax, TooDeep
from ingest.payload.json_syntax import split_array

_encode = msgspec.json.Encoder().encode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode

# Escapes that stand for what PostgreSQL cannot store, or that msgspec refuses as a syntax error.
_SUSPECT_ESCAPES = (b"\\u0000", b"\\ud", b"\\uD")


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
    # msgspec refuses half a surrogate pair, which concerns the row that holds it only.
    try:
        return [text.encode() for text in split_array(array.decode().lstrip())]
    except RecursionError as error:
        raise TooDeep from error
    except ValueError as error:
        raise JsonSyntax(f"The body is not JSON: {error}") from error
