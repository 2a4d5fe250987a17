from collections.abc import Iterator

import pytest

from ingest.loaders.retries import RetryPolicy
from ingest.loaders.socrata.client import SodaClient, SodaRefused, SodaUnreachable, TokenMissing
from ingest.loaders.socrata.soql import Query
from tests.nyc311 import QUICK
from tests.soda import DATASET, SodaStandIn, serve_soda

HASTY = RetryPolicy(retry_for_s=0.05, first_wait_s=0.0002, longest_wait_s=0.001)


@pytest.fixture
def soda() -> Iterator[SodaStandIn]:
    with serve_soda() as standin:
        rows = [{"unique_key": str(key), "agency": "NYPD"} for key in range(10_000_000, 10_000_025)]
        standin.publish(rows, ["unique_key", "agency"], "2024-05-10T08:00:00.000Z")
        yield standin


@pytest.fixture
def client(soda: SodaStandIn) -> Iterator[SodaClient]:
    with SodaClient(soda.url, DATASET, retry=QUICK) as opened:
        yield opened


KEYS = Query(select=["unique_key"])


def test_pages_follow_each_other_by_id_and_hold_every_row_once(
    client: SodaClient, soda: SodaStandIn
) -> None:
    pages = list(client.read_pages(KEYS, page_rows=10))
    assert [len(page) for page in pages] == [10, 10, 5]
    keys = [row["unique_key"] for page in pages for row in page]
    assert len(set(keys)) == 25
    assert "$offset" not in soda.queries[-1]


def test_pages_go_on_after_an_id(client: SodaClient) -> None:
    first, second, third = client.read_pages(KEYS, page_rows=10)
    rest = list(client.read_pages(KEYS, page_rows=10, after=first[-1][":id"]))
    assert rest == [second, third]


def test_a_row_that_is_removed_while_pages_are_read_hides_no_other(
    client: SodaClient, soda: SodaStandIn
) -> None:
    pages = client.read_pages(KEYS, page_rows=10)
    first = next(pages)
    soda.remove(first[0]["unique_key"])
    assert sum(len(page) for page in pages) == 15


@pytest.mark.parametrize("fault", ["429", "503", "500", "202", "drop", "cut"])
def test_a_passing_trouble_is_waited_out(client: SodaClient, soda: SodaStandIn, fault: str) -> None:
    soda.faults = [fault, fault]
    assert len(client.query(KEYS)) == 25


@pytest.mark.parametrize("fault", ["429", "503", "drop", "cut"])
def test_patience_ends(soda: SodaStandIn, fault: str) -> None:
    soda.faults = [fault] * 10_000
    hasty = SodaClient(soda.url, DATASET, retry=HASTY)
    with hasty, pytest.raises(SodaUnreachable):
        hasty.query(KEYS)


def test_a_refused_query_is_not_sent_again_and_says_why(
    client: SodaClient, soda: SodaStandIn
) -> None:
    with pytest.raises(SodaRefused, match="No such column or function: nothing"):
        client.query(Query(select=["nothing"]))
    assert len(soda.queries) == 1


def test_soda_3_needs_a_token() -> None:
    with pytest.raises(TokenMissing):
        SodaClient("data.cityofnewyork.us", DATASET, version="3")
