"""Restrictions of a dataset: typed conditions on its fields, the same in SoQL and in local SQL."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from ingest.loaders.socrata.soql import quote_text
from project.base.errors import RowhouseError

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]

_FIELD = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark><=|>=|!=|<>|=|<|>|\(|\)|,)|(?P<word>\w+))"
)
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class RestrictionInvalid(RowhouseError):
    """The restriction is not a list of simple conditions joined by AND."""

    code = "restriction_invalid"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a field with values; several conditions must all hold."""

    field: str
    operator: Operator
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _FIELD.fullmatch(self.field):
            raise RestrictionInvalid(f"{self.field[:100]!r} is not the name of a field")
        least, most = _value_counts(self.operator)
        if not least <= len(self.values) <= most:
            raise RestrictionInvalid(
                f"{self.field} {self.operator}: {len(self.values)} values do not fit"
            )

    def as_soql(self) -> str:
        """Return the condition as SoQL."""
        quoted = ", ".join(quote_text(value) for value in self.values)
        if self.operator in {"in", "not in"}:
            return f"{self.field} {self.operator} ({quoted})"
        return f"{self.field} {self.operator} {quoted}".rstrip()


Restriction = str | Sequence[Condition] | None


def read_restriction(restriction: Restriction) -> tuple[Condition, ...]:
    """Return the conditions of a `restrict_clause`: text is understood, never passed on.

    Text is like `agency = 'NYPD' AND borough IN ('BRONX', 'QUEENS') AND city IS NOT NULL`; raise
    `RestrictionInvalid` for anything else.
    """
    if restriction is None:
        return ()
    if isinstance(restriction, str):
        return tuple(_Parser(restriction).read())
    return tuple(restriction)


def _value_counts(operator: str) -> tuple[int, int]:
    if operator in {"is null", "is not null"}:
        return 0, 0
    return (1, 1000) if operator in {"in", "not in"} else (1, 1)


class _Parser:
    """Reads conditions from left to right, up to the first error."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokenize(text))
        self._place = 0

    def read(self) -> Iterable[Condition]:
        yield self._condition()
        while self._place < len(self._tokens):
            self._expect("and")
            yield self._condition()

    def _condition(self) -> Condition:
        field = self._next().lower()
        word = self._next().lower()
        if word in _COMPARISONS:
            return Condition(field, cast("Operator", _COMPARISONS[word]), (self._text(),))
        if word == "is":
            negated = self._accept("not")
            self._expect("null")
            return Condition(field, "is not null" if negated else "is null")
        negated = word == "not"
        if negated:
            word = self._next().lower()
        if word != "in":
            raise RestrictionInvalid(f"{word!r} is not understood after {field!r}")
        return Condition(field, "not in" if negated else "in", tuple(self._list()))

    def _list(self) -> Iterable[str]:
        self._expect("(")
        yield self._text()
        while self._accept(","):
            yield self._text()
        self._expect(")")

    def _text(self) -> str:
        word = self._next()
        if not word.startswith("'"):
            raise RestrictionInvalid(f"{word!r} is not a text in single quotes")
        return word[1:-1].replace("''", "'")

    def _next(self) -> str:
        if self._place == len(self._tokens):
            raise RestrictionInvalid("the restriction ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _accept(self, word: str) -> bool:
        is_next = self._tokens[self._place : self._place + 1]
        found = bool(is_next) and is_next[0].lower() == word
        self._place += found
        return found

    def _expect(self, wanted: str) -> None:
        word = self._next()
        if word.lower() != wanted:
            raise RestrictionInvalid(f"{word!r} stands where {wanted!r} was expected")


def _tokenize(text: str) -> Iterable[str]:
    rest = text.rstrip()
    place = 0
    while place < len(rest):
        match = _TOKEN.match(rest, place)
        if match is None:
            raise RestrictionInvalid(f"{rest[place : place + 20]!r} is not understood")
        yield match[0].strip()
        place = match.end()
