"""The query parameters of the ingest endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ingest.errors import BadParameter
from ingest.outcome import OnConflict
from ingest.rules import GroupBy

_KNOWN = frozenset({"on_conflict", "conflict_key", "atomic", "dry_run", "header"})


@dataclass(frozen=True, slots=True)
class IngestParameters:
    """How a batch is to be written."""

    on_conflict: OnConflict
    conflict_key: str | None
    atomic: bool
    dry_run: bool
    has_header: bool

    @property
    def group_by(self) -> GroupBy:
        """An update changes only the columns a row brings, so rows are grouped by all of them."""
        return "optional" if self.on_conflict == "update" else "default"


def read_parameters(query: Mapping[str, str]) -> IngestParameters:
    """Decode the query; raise `BadParameter` for an unknown name as for a bad value.

    A misspelt `dry_run` must not store what was meant as a trial.
    """
    for name in query:
        if name not in _KNOWN:
            raise BadParameter(f"There is no parameter {name[:100]!r} here", parameter=name[:100])
    return IngestParameters(
        on_conflict=cast(
            "OnConflict", _choice(query, "on_conflict", ("reject", "ignore", "update"))
        ),
        conflict_key=query.get("conflict_key"),
        atomic=_choice(query, "atomic", ("false", "true")) == "true",
        dry_run=_choice(query, "dry_run", ("false", "true")) == "true",
        has_header=_choice(query, "header", ("present", "absent")) == "present",
    )


def _choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """Return a parameter that has one of a few values; the first one is its default."""
    value = query.get(name, allowed[0])
    if value not in allowed:
        raise BadParameter(f"{name} must be one of {', '.join(allowed)}", parameter=name)
    return value
