"""Service requests of New York, read from Socrata or from another source.

The `pull_` functions keep the names and parameters of the library that they replace.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from ingest.loaders.socrata.client import PAGE_ROWS, TIMEOUT_S, SodaClient
from ingest.loaders.socrata.restriction import Condition
from ingest.loaders.socrata.soql import Query, quote_moment
from ingest.loaders.socrata.sources import open_client

Row = dict[str, Any]
Since = datetime | str

DATASET = "nyc311"
NEW_YORK = ZoneInfo("America/New_York")
IS_CLOSED = "status = 'Closed' AND closed_date IS NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which requests: those whose `moment_field` is not before `since`, all conditions locking."""

    since: datetime  # floating
    moment_field: str = "created_date"
    conditions: tuple[Condition, ...] = ()
    closed_only: bool = False

    def as_soql(self) -> list[str]:
        """Return the selection as SoQL conditions."""
        return [
            f"{self.moment_field} >= {quote_moment(self.since)}",
            *([IS_CLOSED] if self.closed_only else []),
            *(condition.as_soql() for condition in self.conditions),
        ]


class RequestSource(Protocol):
    """A place that has service requests."""

    def read_requests(
        self, selection: Selection, fields: Sequence[str], limit: int | None, timeout_s: float
    ) -> list[Row]:
        """Return these fields of the selected requests, all fields where none is named."""


class SodaRequests:
    """The requests at Socrata."""

    def __init__(self, soda: SodaClient) -> None:
        self._soda = soda

    def read_requests(
        self, selection: Selection, fields: Sequence[str], limit: int | None, timeout_s: float
    ) -> list[Row]:
        """Return the rows as Socrata writes them: texts, what is null left out."""
        pages = self._soda.read_pages(
            Query(select=list(fields) or ["*"], where=selection.as_soql()),
            page_rows=min(limit or PAGE_ROWS, PAGE_ROWS),
            timeout_s=timeout_s,
        )
        rows = islice(chain.from_iterable(pages), limit)
        return [{name: row[name] for name in row if name != ":id"} for row in rows]


Client = SodaClient | RequestSource | None


def soda_client(client: SodaClient | None) -> AbstractContextManager[SodaClient]:
    """Give the client itself, or for None one of the configured dataset that is closed after."""
    return open_client(DATASET) if client is None else nullcontext(client)


def read_since(since: Since) -> datetime:
    """Return a moment or its ISO text as a floating one; an offset is taken to New York time."""
    moment = datetime.fromisoformat(since) if isinstance(since, str) else since
    return moment.astimezone(NEW_YORK).replace(tzinfo=None) if moment.tzinfo else moment


def pull_data_modified_since(
    since: Since, client: Client = None, timeout: float = TIMEOUT_S, data_limit: int | None = None
) -> list[Row]:
    """Return the requests whose resolution was updated since; at Socrata unless told otherwise."""
    selection = Selection(since=read_since(since), moment_field="resolution_action_updated_date")
    return _pull(client, selection, timeout, data_limit)


def pull_data_created_since(
    since: Since, client: Client = None, timeout: float = TIMEOUT_S, data_limit: int | None = None
) -> list[Row]:
    """Return the requests that were made since; at Socrata unless told otherwise."""
    return _pull(client, Selection(since=read_since(since)), timeout, data_limit)


def _pull(
    client: Client, selection: Selection, timeout: float, data_limit: int | None
) -> list[Row]:
    if client is not None and not isinstance(client, SodaClient):
        return client.read_requests(selection, (), data_limit, timeout)
    with soda_client(client) as soda:
        return SodaRequests(soda).read_requests(selection, (), data_limit, timeout)
