"""Restrictions of a dataset: typed conditions on its fields, the same in SoQL and in local SQL."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from ingest.loaders.socrata.soql import quote_text
from project.base.errors import RowhouseError

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]

_FIELD = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TEXT = r"'(?:[^']|'')*+'"
_CONDITION = re.compile(
    rf"""
    \s* (?P<field>\w++) \s*
    (?: (?P<comparison>[<>!]?=|<>|[<>]) \s* (?P<value>{_TEXT})
    |   (?P<membership>(?:not\s+)?in) \s* \( \s* (?P<values>{_TEXT}(?:\s*,\s*{_TEXT})*) \s* \)
    |   (?P<nullness>is\s+(?:not\s+)?null\b)
    ) \s* (?: (?P<and>and\b) | \Z )
    """,
    re.IGNORECASE | re.VERBOSE,
)


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
        return tuple(_parse(restriction))
    return tuple(restriction)


def _value_counts(operator: str) -> tuple[int, int]:
    if operator in {"is null", "is not null"}:
        return 0, 0
    return (1, 1000) if operator in {"in", "not in"} else (1, 1)


def _parse(text: str) -> Iterator[Condition]:
    place = 0
    while True:
        found = _CONDITION.match(text, place)
        if found is None:
            raise RestrictionInvalid(f"{text[place : place + 40].strip()!r} is not understood")
        words = found["comparison"] or found["membership"] or found["nullness"]
        operator = " ".join(words.lower().split()).replace("<>", "!=")
        texts = re.findall(_TEXT, found["value"] or found["values"] or "")
        values = tuple(each[1:-1].replace("''", "'") for each in texts)
        yield Condition(found["field"].lower(), cast("Operator", operator), values)
        if found["and"] is None:
            return
        place = found.end()
