"""What the rules know about one PostgreSQL type: the shape of every adapter."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ingest.validation.copy_data import CopiedAs

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


Screen = Callable[[Sequence[Any]], bool]


def accept_all(values: Sequence[Any]) -> bool:
    """Screen of a type that any text may belong to."""
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
    # Quick, JSON: the msgspec type of a good value (without None), then, where that is not
    # enough, a look at all of a column's values, none of them null.
    annotation: Any
    screen: Screen | None = None
    # Quick, CSV: a look at all of a column's non-empty fields.
    screen_fields: Screen = accept_all
    # How a value that passed is written for COPY; None where only SQL can read its JSON.
    copied_as: CopiedAs | None = None
    # JSON Schema of a value, for the documentation.
    schema: dict[str, Any] = field(default_factory=dict)
    # What is stored is the JSON text as it was sent, whatever `examine` returns for it.
    verbatim: bool = False
    # Whether `examine` accepts only what PostgreSQL accepts too.
    exact: bool = True


def show(value: object) -> str:
    """Return a value for a message, shortened."""
    if isinstance(value, Number):
        return value[:SHOWN_CHARACTERS]
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text[:SHOWN_CHARACTERS]


def every_field_matches(pattern: str) -> Screen:
    """Return a screen that matches all of a column's fields in one sweep."""
    sweep = re.compile(f"(?:(?:{pattern})\n)*")

    def screen(fields: Sequence[str]) -> bool:
        joined = "\n".join(fields) + "\n"
        return not fields or (
            joined.count("\n") == len(fields) and sweep.fullmatch(joined) is not None
        )

    return screen


def every_text_matches(pattern: str) -> Screen:
    """Return a screen that matches the JSON text of all of a column's raw values in one sweep."""
    sweep = re.compile(f"(?:(?:{pattern})\n)*".encode())

    def screen(texts: Sequence[msgspec.Raw]) -> bool:
        joined = b"\n".join(texts) + b"\n"
        return not texts or (
            joined.count(b"\n") == len(texts) and sweep.fullmatch(joined) is not None
        )

    return screen
