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
        clauses = {
            "$select": ", ".join(self.select),
            "$where": self._condition(),
            "$group": ", ".join(self.group),
            "$order": ", ".join(self.order),
            "$limit": "" if self.limit is None else str(self.limit),
            "$offset": str(self.offset) if self.offset else "",
        }
        return {name: text for name, text in clauses.items() if text}

    def as_text(self) -> str:
        """Return the statement that SODA 3 takes; it pages outside the statement."""
        clauses = [f"SELECT {', '.join(self.select)}"]
        if self.where:
            clauses.append(f"WHERE {self._condition()}")
        if self.group:
            clauses.append(f"GROUP BY {', '.join(self.group)}")
        if self.order:
            clauses.append(f"ORDER BY {', '.join(self.order)}")
        return " ".join(clauses)

    def _condition(self) -> str:
        return " AND ".join(f"({condition})" for condition in self.where)


def quote_text(value: str) -> str:
    """Return a text as a SoQL literal."""
    return "'" + value.replace("'", "''") + "'"


def quote_moment(moment: datetime) -> str:
    """Return a moment as SoQL writes it: to the millisecond, UTC with a Z, floating without."""
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return quote_text(text if moment.tzinfo is None else f"{text}Z")
