"""The query parameters of the ingest endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from django.http import QueryDict

from ingest.outcome import OnConflict
from project.http.pagination import read_choice, read_nulls, refuse_unknown

_KNOWN = frozenset(
    {"on_conflict", "conflict_key", "atomic", "dry_run", "header", "null", "return", "extra"}
)


@dataclass(frozen=True, slots=True)
class IngestParameters:
    """How a batch is to be written."""

    on_conflict: OnConflict
    conflict_key: str | None
    atomic: bool
    dry_run: bool
    has_header: bool
    nulls: tuple[str, ...]
    returns_keys: bool
    drops_extra: bool


def read_parameters(query: QueryDict) -> IngestParameters:
    """Decode the query; raise `BadParameter` for an unknown name as for a bad value.

    A misspelt `dry_run` must not store what was meant as a trial.
    """
    refuse_unknown(query, _KNOWN)
    on_conflict, conflict_key = read_conflict(query)
    return IngestParameters(
        on_conflict=on_conflict,
        conflict_key=conflict_key,
        atomic=read_choice(query, "atomic", ("false", "true")) == "true",
        dry_run=read_choice(query, "dry_run", ("false", "true")) == "true",
        has_header=read_choice(query, "header", ("present", "absent")) == "present",
        nulls=read_nulls(query),
        returns_keys=read_choice(query, "return", ("none", "keys")) == "keys",
        drops_extra=read_extra(query),
    )


def read_extra(query: Mapping[str, str]) -> bool:
    """Return whether columns that the table does not have are left out."""
    return read_choice(query, "extra", ("reject", "ignore")) == "ignore"


def read_conflict(query: Mapping[str, str]) -> tuple[OnConflict, str | None]:
    """Return what is to become of a row whose key the table has, and which key is meant."""
    on_conflict = read_choice(query, "on_conflict", ("reject", "ignore", "update"))
    return cast("OnConflict", on_conflict), query.get("conflict_key")
