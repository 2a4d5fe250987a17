"""Where incidents are published from: every view `open311.incidents_from_…`."""

import time
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import msgspec
from django.conf import settings
from psycopg.sql import SQL, Composed, Identifier

from apis.open311.search.database import fetch_rows
from project.base.sql_files import read_sql
from project.http.access.reading import are_public, public_datasets

FOLDER = Path(__file__).parent / "sql"
SCHEMA = "open311"
OWN = "incidents_from_open311"

# The reserved keys of an incident, in the standard's order, with their types. A view has them all.
RESERVED = {
    "id": "bigint",
    "service_id": "bigint",
    "status_id": "integer",
    "created": "timestamptz",
    "modified": "timestamptz",
    "latitude": "double precision",
    "longitude": "double precision",
    "description": "text",
}
REQUIRED = RESERVED.keys() | {"service_name"}

# The column that a search can be restricted by, and no answer shows.
REPORTER = "reporter"

# A view that is added, and the first rows of an empty one, are noticed after this time.
CACHED_S = 2.0


class Source(msgspec.Struct, frozen=True):
    """One view and its columns."""

    view: str
    columns: frozenset[str]
    schemas: frozenset[str]  # of the tables and views that it reads

    @property
    def identifier(self) -> Identifier:
        """The view's qualified, quoted name."""
        return Identifier(SCHEMA, self.view)

    @property
    def is_own(self) -> bool:
        """Whether it publishes this dataset's own incidents, which have notes and a history."""
        return self.view == OWN


def list_sources() -> tuple[Source, ...]:
    """Return the views that have every column an incident needs, this dataset's own first.

    Others are left out while they have no rows: each view makes planning a search slower. One
    that reads a dataset which needs a key is left out where this API needs none.
    """
    found = _list_sources(count_periods())
    if not are_public((SCHEMA,)):
        return found
    closed = settings.CONFIG.datasets.keys() - set(public_datasets())
    return tuple(each for each in found if not each.schemas & closed)


def count_periods() -> int:
    """Return a number for the arguments of a cached function: it changes every `CACHED_S`."""
    return int(time.monotonic() / CACHED_S)


@lru_cache(maxsize=1)
def _list_sources(period: int) -> tuple[Source, ...]:
    rows = fetch_rows(SQL(read_sql(FOLDER / "sources.sql")))
    found = [
        Source(row["relname"], frozenset(row["columns"]), frozenset(row["schemas"])) for row in rows
    ]
    usable = [each for each in found if each.columns >= REQUIRED]
    return tuple(each for each in usable if each.is_own or _has_rows(each))


def _has_rows(source: Source) -> bool:
    statement = SQL("SELECT EXISTS (SELECT FROM {}) AS found").format(source.identifier)
    return bool(fetch_rows(statement)[0]["found"])


def clear_sources_cache() -> None:
    """Have the next call look up the views again."""
    _list_sources.cache_clear()


@lru_cache(maxsize=64)
def union_of(sources: tuple[Source, ...], extra: frozenset[str]) -> SQL:
    """Return a FROM item of all incidents: the reserved columns and the extra ones, as text.

    A column that a source does not have is null there. Each arm is a plain SELECT of one view, so
    that conditions, order and limit reach the indexes behind it.
    """
    arms = [_arm(source, extra) for source in sources]
    union = SQL("({}) AS incidents").format(SQL(" UNION ALL ").join(arms))
    # A per cent sign in a column's name must not be taken for a placeholder's.
    return SQL(union.as_string().replace("%", "%%"))


def _arm(source: Source, extra: Collection[str]) -> Composed:
    names = dict(RESERVED) | dict.fromkeys(extra, "text")
    columns = [
        SQL("{}::{} AS {}").format(
            Identifier(name) if name in source.columns else SQL("NULL"),
            SQL(kind),
            Identifier(name),
        )
        for name, kind in names.items()
    ]
    return SQL("SELECT {} FROM {}").format(SQL(", ").join(columns), source.identifier)
