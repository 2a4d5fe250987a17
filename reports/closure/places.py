"""The places where closure is counted: Socrata, or the table of what was ingested."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection

from ingest.loaders.socrata.client import SodaClient
from ingest.loaders.socrata.service_requests import soda_client
from reports.closure.local import LocalRequests
from reports.closure.pushed import PushedDownRequests
from reports.closure.tallies import ClosureSource

Client = SodaClient | Connection | ClosureSource | None


@contextmanager
def closure_source(client: Client) -> Iterator[ClosureSource]:
    """Give the place that is meant: Socrata for None or its client, our table for a connection."""
    if isinstance(client, Connection):
        yield LocalRequests(client)
    elif client is None or isinstance(client, SodaClient):
        with soda_client(client) as soda:
            yield PushedDownRequests(soda)
    else:
        yield client
