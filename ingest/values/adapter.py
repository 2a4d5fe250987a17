"""What the rules know about one PostgreSQL type: the shape of every adapter."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

# Errors show the value that was wrong, but never more of it than this.
SHOWN_CHARACTERS = 200


class Number(str):
    """A JSON number as it was written: 1.10 keeps its zero, 1e400 stays finite."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value cannot be stored: a stable code, words for people, the place inside an array."""

    code: str
    message: str
    element: tuple[int, ...] = ()


# A value as the slow path reads it from JSON or CSV, and as it is handed to PostgreSQL: text in
# the type's input format, a list of such for an array, a JSON fragment for json columns.
Value = None | bool | Number | str | list[Any] | dict[str, Any]
Canonical = None | bool | str | list[Any] | msgspec.Raw


def accept_all(values: Sequence[Any]) -> bool:
    """Screen of a type whose annotation alone is exact."""
    return True


@dataclass(frozen=True, slots=True)
class Adapter:
    """How values of one column's type are recognised, quickly for many and exactly for one.

    The quick ways may refuse what `examine` accepts, never the other way round: what they let
    through is stored by PostgreSQL exactly as it was written, or refused by it with an error.
    """

    # Slow and exact: one value in, its canonical form or the reason against it out. The second
    # argument tells that the value is a CSV field, where everything is text.
    examine: Callable[[Value, bool], Canonical | Fault]
    # Quick, JSON: the msgspec type of a good value (without None), then a look at all of a
    # batch's values where the annotation is `Raw`.
    annotation: Any
    screen_raw: Callable[[Sequence[msgspec.Raw]], bool] = accept_all
    # Quick, CSV: a look at all of a column's non-empty fields.
    screen_fields: Callable[[Sequence[str]], bool] = accept_all
    # JSON Schema of a value, for the documentation.
    schema: dict[str, Any] = field(default_factory=dict)
    # What is stored is the JSON text as it was sent, whatever `examine` returns for it.
    verbatim: bool = False
    # Whether `examine` accepts only what PostgreSQL accepts too.
    exact: bool = True
    # Byte patterns that make a whole body take the slow path when they occur in it.
    trap: re.Pattern[bytes] | None = None


def show(value: object) -> str:
    """Return a value for a message, shortened."""
    if isinstance(value, Number):
        return value[:SHOWN_CHARACTERS]
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text[:SHOWN_CHARACTERS]


def every_field_matches(pattern: str) -> Callable[[Sequence[str]], bool]:
    """Return a screen that matches all of a column's fields in one sweep."""
    sweep = re.compile(f"(?:(?:{pattern})\n)*")

    def screen(fields: Sequence[str]) -> bool:
        joined = "\n".join(fields) + "\n"
        # A field with a line feed of its own would pass as two fields.
        return not fields or (
            joined.count("\n") == len(fields) and sweep.fullmatch(joined) is not None
        )

    return screen


def every_raw_matches(pattern: bytes) -> Callable[[Sequence[msgspec.Raw]], bool]:
    """Return a screen that matches the JSON text of all values in one sweep."""
    sweep = re.compile(b"(?:(?:" + pattern + b")\n)*")

    def screen(raws: Sequence[msgspec.Raw]) -> bool:
        return sweep.fullmatch(b"\n".join(raws) + b"\n") is not None if raws else True

    return screen
