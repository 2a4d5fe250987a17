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
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from psycopg.sql import SQL, Identifier

from ingest.loaders.client import IngestClient
from project.errors import RowhouseError
from project.issuing import issue_key
from project.models import ApiKey, Scope

SEED = 2021
KEY_NAME = "demo"

Row = dict[str, Any]
Say = Callable[[str], None]


def fill_empty_tables(address: str, say: Say) -> None:
    """Send the sample rows of every empty table, and say what became of them."""
    key = issue_key(KEY_NAME, scopes=[Scope.INGEST], datasets=settings.CONFIG.datasets)
    try:
        with IngestClient(address, key) as client:
            for dataset in settings.CONFIG.datasets:
                _fill_dataset(client, dataset, say)
    finally:
        ApiKey.objects.filter(prefix=key.partition(".")[0]).delete()


def refresh_reports(address: str, say: Say) -> None:
    """Refresh the report tables, so that they show the sample rows."""
    _run_if_known("refresh_reports", say)


def make_backup(address: str, say: Say) -> None:
    """Make a backup, so that there is one to look at."""
    _run_if_known("backup", say)


DEMO_STEPS: tuple[Callable[[str, Say], None], ...] = (
    fill_empty_tables,
    refresh_reports,
    make_backup,
)


def _fill_dataset(client: IngestClient, dataset: str, say: Say) -> None:
    if not (Path(settings.BASE_DIR) / "db_setup" / dataset / "sample.py").exists():
        return
    sample = importlib.import_module(f"db_setup.{dataset}.sample")
    is_empty: dict[str, bool] = {}
    counts: dict[str, Counter[str]] = {}
    for table, batch in _batches(sample.rows(SEED)):
        if table not in is_empty:
            is_empty[table] = _is_empty(dataset, table)
        if not is_empty[table]:
            continue
        receipt = client.send_batch(
            f"{dataset}.{table}", msgspec.json.encode(batch), "application/json", str(uuid.uuid4())
        )
        counts.setdefault(table, Counter()).update(
            inserted=receipt.inserted, rejected=receipt.rejected
        )
    for table, empty in is_empty.items():
        tally = counts.get(table, Counter())
        outcome = f"{tally['inserted']} rows stored, {tally['rejected']} rejected"
        say(f"{dataset}.{table}: {outcome if empty else 'has rows already, left alone'}")


def _batches(rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows in their order: a batch ends at another table or when it is full."""
    size = settings.CONFIG.ingest.max_rows
    for table, group in groupby(rows, key=itemgetter(0)):
        while batch := [row for _, row in islice(group, size)]:
            yield table, batch


def _is_empty(dataset: str, table: str) -> bool:
    question = SQL("SELECT NOT EXISTS (SELECT FROM {})").format(Identifier(dataset, table))
    with connection.cursor() as cursor:
        cursor.execute(question.as_string())
        return bool(cursor.fetchone()[0])


def _run_if_known(command: str, say: Say) -> None:
    if command not in get_commands():
        return
    try:
        call_command(command)
    except (CommandError, RowhouseError) as error:
        say(f"{command}: {error}")
