"""Where closure is counted: at Socrata, or in the table of what was ingested."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection

from ingest.loaders.socrata.client import SodaClient
from ingest.loaders.socrata.service_requests import soda_client
from reports.closure.local_source import LocalRequests
from reports.closure.socrata_source import SocrataRequests

Client = SodaClient | Connection | None


@contextmanager
def closure_source(client: Client) -> Iterator[LocalRequests | SocrataRequests]:
    """Give the source of a client: Socrata for None or its client, our table for a connection."""
    if isinstance(client, Connection):
        yield LocalRequests(client)
    else:
        with soda_client(client) as soda:
            yield SocrataRequests(soda)
