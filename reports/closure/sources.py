"""Where closure is counted: at Socrata, or in the table of what was ingested."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from psycopg import Connection

from ingest.loaders.socrata.client import SodaClient
from ingest.loaders.socrata.service_requests import RequestSource, Selection, soda_client
from reports.closure.arithmetic import Arithmetic
from reports.closure.local_source import LocalRequests
from reports.closure.socrata_source import SocrataRequests
from reports.closure.tallies import DayCount, Tally


class ClosureSource(RequestSource, Protocol):
    """Something that counts service requests itself."""

    def tally(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[Tally]:
        """Return a tally of each group, in any order."""

    def count_days(
        self, selection: Selection, keys: Sequence[str], arithmetic: Arithmetic, timeout_s: float
    ) -> list[DayCount]:
        """Return each group's closed requests by the days they took, in any order."""

    def find_newest(self, timeout_s: float) -> datetime | None:
        """Return the floating timestamp of the newest request, None without any."""


Client = SodaClient | Connection | ClosureSource | None


@contextmanager
def closure_source(client: Client) -> Iterator[ClosureSource]:
    """Give the source of a client: Socrata for None or its client, our table for a connection."""
    if isinstance(client, Connection):
        yield LocalRequests(client)
    elif client is None or isinstance(client, SodaClient):
        with soda_client(client) as soda:
            yield SocrataRequests(soda)
    else:
        yield client
