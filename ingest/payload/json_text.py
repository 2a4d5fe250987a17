"""What the bytes of a JSON text tell without parsing it."""

from collections.abc import Sequence
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

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
