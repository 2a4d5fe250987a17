"""SoQL, Socrata's query language: queries as values, literals quoted in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query; its parts are SoQL expressions."""

    select: Sequence[str]
    where: Sequence[str] = ()  # all of them must hold
    group: Sequence[str] = ()
    order: Sequence[str] = ()
    limit: int | None = None
    offset: int = 0

    def as_parameters(self) -> dict[str, str]:
        """Return the URL parameters of SODA 2.1."""
        parameters = {f"${name.split()[0]}": text for name, text in self._clauses()}
        if self.limit is not None:
            parameters["$limit"] = str(self.limit)
        if self.offset:
            parameters["$offset"] = str(self.offset)
        return parameters

    def as_text(self) -> str:
        """Return the statement that SODA 3 takes; it pages outside the statement."""
        return " ".join(f"{name.upper()} {text}" for name, text in self._clauses())

    def _clauses(self) -> list[tuple[str, str]]:
        clauses = {
            "select": ", ".join(self.select),
            "where": " AND ".join(f"({condition})" for condition in self.where),
            "group by": ", ".join(self.group),
            "order by": ", ".join(self.order),
        }
        return [(name, text) for name, text in clauses.items() if text]


def quote_text(value: str) -> str:
    """Return a text as a SoQL literal."""
    return "'" + value.replace("'", "''") + "'"


def quote_moment(moment: datetime) -> str:
    """Return a moment as SoQL writes it: to the millisecond, UTC with a Z, floating without."""
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return quote_text(text if moment.tzinfo is None else f"{text}Z")
