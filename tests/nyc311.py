"""Service requests for tests: real ones where they are at hand, generated ones everywhere."""

import json
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection

from db_setup.nyc311.sample import BAD_EVERY, rows
from ingest.loaders.client import IngestClient
from ingest.loaders.delivery import Totals
from ingest.loaders.retries import RetryPolicy
from ingest.loaders.socrata.client import SodaClient
from ingest.loaders.socrata.load import LoadOptions, load_dataset
from project.base.config import Config
from tests.needs import need
from tests.soda import DATASET, Row, SodaStandIn, read_soda_csv

DATA = settings.BASE_DIR.parent / "shared" / "data" / "nyc311"
DAYS = ("2023-12-08", "2023-12-09", "2023-12-10")
PUBLISHED = "2023-12-11T03:00:00.000Z"

# As patient as the real one, in a thousandth of its time.
QUICK = RetryPolicy(retry_for_s=5, first_wait_s=0.0002, longest_wait_s=0.01)


def real_requests() -> list[Row]:
    """Return 2000 requests of three days, and 1000 of 2012; skip the test without them."""
    need(DATA.exists(), f"the data in {DATA} is not there")
    requests = [row for day in DAYS for row in read_soda_csv(DATA / f"soda_{day}.csv")]
    return requests + json.loads((DATA / "soda_2012.json").read_text())


def generated_requests() -> list[Row]:
    """Return the good ones of the sample rows, as Socrata writes rows."""
    good = (row for number, (_, row) in enumerate(rows(1), 1) if number % BAD_EVERY)
    return [_as_soda(row) for row in good]


def _as_soda(row: dict[str, Any]) -> Row:
    dates = {name: f"{row[name]}.000" for name in row if name.endswith("_date") and row[name]}
    return {name: str(value) for name, value in (row | dates).items() if value is not None}


def table_columns() -> list[str]:
    """Return the columns of service_requests in their order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nyc311.service_requests LIMIT 0")
        return [column.name for column in cursor.description]


def stored_requests() -> list[tuple[Any, ...]]:
    """Return the whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nyc311.service_requests ORDER BY unique_key")
        return list(cursor.fetchall())


def publish(soda: SodaStandIn, requests: list[Row], updated_at: str = PUBLISHED) -> None:
    """Publish requests at the stand-in, whose dataset has the columns of our table."""
    soda.publish(requests, table_columns(), updated_at)


def configure(config: Config, soda: SodaStandIn, **changes: Any) -> Config:
    """Return settings that lead to the stand-in instead of the city's site."""
    dataset = msgspec.structs.replace(config.socrata.datasets["nyc311"], domain=soda.url)
    changed = {"page_rows": 100, "datasets": {"nyc311": dataset}} | changes
    return msgspec.structs.replace(
        config, socrata=msgspec.structs.replace(config.socrata, **changed)
    )


def load(soda: SodaStandIn, server: str, key: str, **order: Any) -> Totals:
    """Load from the stand-in into the served database."""
    source = SodaClient(soda.url, DATASET, retry=QUICK)
    with source, IngestClient(server, key, retry=QUICK) as client:
        return load_dataset(source, client, LoadOptions(name="nyc311", **order))
