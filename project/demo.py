"""Sample rows for empty tables, sent through the ingest endpoint like anybody's rows."""

import importlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg.sql import SQL, Identifier

from ingest.loaders.client import IngestClient
from ingest.loaders.responses import Receipt
from ingest.reading.description import list_tables
from project.base.database import reader_connection
from project.base.errors import RowhouseError
from project.http.access.make_key import make_key
from project.models import ApiKey, Scope
from project.server.banner import TRIAL_NAME, TRIAL_NUMBER, TRIAL_TABLE

SEED = 2021
KEY_NAME = "demo"

Row = dict[str, Any]
Say = Callable[[str], None]


def choose_datasets() -> list[str]:
    """Return the datasets that hold sample rows alone, or will: anyone may read them in a demo.

    They are those that are empty now, and those that were when an earlier demo filled them.
    """
    file: Path = settings.DATA_DIR / "demo_datasets"
    known = file.read_text(encoding="utf-8").split() if file.exists() else []
    chosen = [
        name
        for name in settings.CONFIG.datasets
        if name in known or (_sample_of(name).exists() and _holds_nothing(name))
    ]
    file.write_text("\n".join(chosen), encoding="utf-8")
    return chosen


def show_demo(address: str, say: Say) -> None:
    """Fill the empty tables of the service at an address, refresh its reports, back it up."""
    fill_empty_tables(address, say)
    for command in ("refresh_reports", "refresh_covid", "backup"):
        try:
            call_command(command)
        except (CommandError, RowhouseError) as error:
            say(f"{command}: {error}")


def fill_empty_tables(address: str, say: Say) -> None:
    """Send the sample rows of every empty table, and say what became of them."""
    key = make_key(KEY_NAME, scopes=[Scope.INGEST], datasets=settings.CONFIG.datasets)
    try:
        with IngestClient(address, key) as client:
            for dataset in settings.CONFIG.datasets:
                _fill_dataset(client, dataset, say)
    finally:
        ApiKey.objects.filter(prefix=key.partition(".")[0]).delete()


def _fill_dataset(client: IngestClient, dataset: str, say: Say) -> None:
    if not _sample_of(dataset).exists():
        return
    sample = importlib.import_module(f"db_setup.{dataset}.sample")
    outcomes: dict[str, Counter[str] | str] = {}
    for table, batch in _batches(sample.rows(SEED)):
        name = f"{dataset}.{table}"
        if name not in outcomes:
            others_are_sample = all(isinstance(one, Counter) for one in outcomes.values())
            outcomes[name] = _choose(client, dataset, table, batch, others_are_sample)
        tally = outcomes[name]
        if isinstance(tally, Counter):
            receipt = _send(client, name, batch)
            tally.update(stored=receipt.inserted, rejected=receipt.rejected)
    for name, outcome in outcomes.items():
        if isinstance(outcome, Counter):
            outcome = f"{outcome['stored']} rows stored, {outcome['rejected']} rejected"
        say(f"{name}: {outcome}")


def _choose(
    client: IngestClient, dataset: str, table: str, batch: list[Row], others_are_sample: bool
) -> Counter[str] | str:
    """Return what counts a table's rows, or in words why it gets none."""
    if not _is_empty(dataset, table):
        return "has rows already, left alone"
    # Where the rows it would refer to are somebody's own, it is tried first.
    if others_are_sample or _send(client, f"{dataset}.{table}", batch, dry_run="true").inserted:
        return Counter()
    return "left empty: the sample's rows do not fit the rows of the other tables"


def _send(client: IngestClient, name: str, batch: list[Row], **params: str) -> Receipt:
    body = msgspec.json.encode(batch)
    return client.send_batch(name, body, "application/json", str(uuid.uuid4()), params)


def _batches(rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows in their order: a batch ends at another table or when it is full."""
    size = settings.CONFIG.ingest.max_rows
    for table, group in groupby(rows, key=itemgetter(0)):
        while batch := [row for _, row in islice(group, size)]:
            yield table, batch


def _sample_of(dataset: str) -> Path:
    return Path(settings.BASE_DIR) / "db_setup" / dataset / "sample.py"


def _holds_nothing(dataset: str) -> bool:
    names = [one.table.partition(".")[2] for one in list_tables(reader_connection(), [dataset])]
    return all(_is_empty(dataset, name) for name in names)


def _is_empty(dataset: str, table: str) -> bool:
    """Whether nobody's rows are there; the line that `up` shows may have been tried."""
    question = SQL("SELECT NOT EXISTS (SELECT FROM {}{})")
    is_tried = (dataset, table) == TRIAL_TABLE
    others = SQL(" WHERE job_id < %s OR job_name <> %s" if is_tried else "")
    with connection.cursor() as cursor:
        cursor.execute(
            question.format(Identifier(dataset, table), others).as_string(),
            [TRIAL_NUMBER, TRIAL_NAME] if is_tried else None,
        )
        return bool(cursor.fetchone()[0])
