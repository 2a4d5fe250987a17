"""What validation knows about one PostgreSQL type: the shape of every adapter."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, AnyStr

import msgspec

from ingest.outcome import SHOWN_CHARACTERS
from ingest.payload.json_syntax import Number, write_beginning
from ingest.validation.copy_data import CopiedAs


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value cannot be stored: a stable code, words for people, the place inside an array."""

    code: str
    message: str
    element: tuple[int, ...] = ()


# A value of a parsed row, and as it is handed to PostgreSQL: text in the type's input format, a
# list of such for an array, a JSON text for json columns.
Value = None | bool | Number | str | list[Any] | dict[str, Any] | msgspec.Raw
Canonical = None | bool | str | list[Any] | msgspec.Raw

FieldReader = Callable[[str], Value | Fault]

# Returns whether all of a column's values, none of them null, are certainly good.
ColumnCheck = Callable[[Sequence[Any]], bool]


@dataclass(frozen=True, slots=True)
class Adapter:
    """How values of one column's type are recognised: quickly for a column, exactly for one value.

    The check of a column may refuse what `check` accepts, never the other way round: what it lets
    through is stored by PostgreSQL exactly as it was written, or refused by it with an error.
    """

    # Exact: one value in, its canonical form or the reason against it out.
    check: Callable[[Value], Canonical | Fault]
    # Quick: the msgspec type of a good value (without None), then, where that is not enough, a
    # check of all of a column's values.
    annotation: Any
    check_column: ColumnCheck | None = None
    # What a CSV field that is not empty means, as a value of JSON; the fault where it means none.
    # None where JSON writes, or may write, the type's values as strings.
    read_field: FieldReader | None = None
    # How a good value is written for COPY; None where only SQL can read its JSON.
    copied_as: CopiedAs | None = None
    # JSON Schema of a value, for the documentation.
    schema: dict[str, Any] = field(default_factory=dict)
    # What is stored is the JSON text as it was sent, whatever `check` returns for it.
    verbatim: bool = False
    # Whether `check` accepts only what PostgreSQL accepts too.
    exact: bool = True


def show(value: object) -> str:
    """Return a value for a message, shortened."""
    is_text = isinstance(value, str) and not isinstance(value, Number)
    return repr(value)[:SHOWN_CHARACTERS] if is_text else write_beginning(value, SHOWN_CHARACTERS)


def refuse_blank(adapter: Adapter) -> Adapter:
    """Return an adapter whose quick check takes no text of white space alone."""
    check = adapter.check_column

    def check_column(texts: Sequence[str]) -> bool:
        return not any(map(str.isspace, texts)) and (check is None or check(texts))

    return replace(adapter, check_column=check_column)


def every_string_matches(pattern: str) -> ColumnCheck:
    """Return a check that matches all of a column's strings against one regular expression."""
    expression = _compile_lines(pattern)

    def check_column(strings: Sequence[str]) -> bool:
        joined = "\n".join(strings) + "\n"
        return not strings or (
            joined.count("\n") == len(strings) and expression.fullmatch(joined) is not None
        )

    return check_column


def every_raw_matches(pattern: str) -> ColumnCheck:
    """Return the same for the JSON texts of a column's values."""
    expression = _compile_lines(pattern.encode())

    def check_column(texts: Sequence[msgspec.Raw]) -> bool:
        joined = b"\n".join(texts) + b"\n"
        return not texts or (
            joined.count(b"\n") == len(texts) and expression.fullmatch(joined) is not None
        )

    return check_column


def _compile_lines(pattern: AnyStr) -> re.Pattern[AnyStr]:
    """Compile an expression for lines that all match a pattern.

    It never goes back into a line that matched: where lines can match in several ways, trying all
    of them would take time exponential in the number of lines.
    """
    if isinstance(pattern, str):
        return re.compile(f"(?:(?:{pattern})\n)*+")
    return re.compile(b"(?:(?:%b)\n)*+" % pattern)
