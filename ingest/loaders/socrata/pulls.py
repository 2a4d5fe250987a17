"""Raw service requests since a moment, under the names of the library this takes over from."""

from ingest.loaders.socrata.client import TIMEOUT_S, SodaClient
from ingest.loaders.socrata.requests import (
    RequestSource,
    Row,
    Selection,
    Since,
    SodaRequests,
    read_since,
    soda_client,
)

Client = SodaClient | RequestSource | None


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
