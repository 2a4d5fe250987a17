"""A Socrata dataset loaded through the ingest endpoint: only what changed, resumable anywhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

from ingest.loaders.answers import Receipt
from ingest.loaders.client import IngestClient
from ingest.loaders.delivery import OnReceipt, Totals, load_batches
from ingest.loaders.formats.changes import Changes
from ingest.loaders.formats.columns import ColumnNames
from ingest.loaders.formats.files import BATCH_BYTES, BATCH_ROWS, Batch
from ingest.loaders.formats.layouts import lay_out_json
from ingest.loaders.formats.rows import Rows, cut_rows
from ingest.loaders.socrata import marks
from ingest.loaders.socrata.client import Row as SodaRow
from ingest.loaders.socrata.client import SodaClient
from ingest.loaders.socrata.marks import Window
from ingest.loaders.socrata.soql import Query, quote_text
from ingest.loaders.socrata.sources import find_dataset
from ingest.loaders.socrata.values import FieldColumn, encode_row, match_columns
from ingest.writing.tables import exposed_tables
from project.base.config import SocrataDataset
from project.base.database import writer_connection

_LAYOUT = lay_out_json(as_lines=False, names=ColumnNames(), changes=Changes())


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOrder:
    """What is to be loaded: by default what changed since the last load."""

    name: str
    since_modified: datetime | None = None  # with its zone
    since_created: datetime | None = None  # floating
    restart: bool = False  # leave a load that was stopped unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who is told how a load proceeds."""

    on_total: Callable[[int], object] = lambda rows: None  # rows still to come, once known
    on_receipt: OnReceipt = lambda batch, receipt: None


_NOBODY = Watcher()


def load_dataset(
    soda: SodaClient, client: IngestClient, order: LoadOrder, watcher: Watcher = _NOBODY
) -> Totals:
    """Load what is asked for and return the totals.

    A load that was stopped is finished first, unless the order is for something else. Raises
    `LoadStopped`, `SodaRefused` or `SodaUnreachable`; the next call goes on after the last page
    whose rows all had their outcome.
    """
    totals = Totals()
    window = _resumable(order)
    if window is not None:
        _add(totals, _load_window(soda, client, order, window, watcher))
        if order.since_modified or order.since_created:
            return totals
    window = _plan(soda, order)
    if window is not None:
        marks.begin(order.name, window)
        _add(totals, _load_window(soda, client, order, window, watcher))
    return totals


def _resumable(order: LoadOrder) -> Window | None:
    window = marks.unfinished(marks.read_mark(order.name))
    if window is None or order.restart:
        return None
    if order.since_modified and order.since_modified != window.low:
        return None
    if order.since_created and order.since_created != window.created_since:
        return None
    return window


def _plan(soda: SodaClient, order: LoadOrder) -> Window | None:
    mark = marks.read_mark(order.name)
    created_since = order.since_created or marks.floating(mark.created_since)
    scope = marks.scope_conditions(created_since, find_dataset(order.name).created)
    (found,) = soda.query(Query(select=["max(:updated_at) as latest"], where=scope)) or [{}]
    return marks.plan_window(
        mark,
        _read_moment(found.get("latest")),
        since_modified=order.since_modified,
        created_since=created_since,
        from_start=order.since_created is not None,
        overlap=timedelta(minutes=settings.CONFIG.socrata.overlap_minutes),
    )


def _load_window(
    soda: SodaClient,
    client: IngestClient,
    order: LoadOrder,
    window: Window,
    watcher: Watcher,
) -> Totals:
    dataset = find_dataset(order.name)
    pull = _Pull(soda, dataset, order.name, window)
    watcher.on_total(pull.count_rows())

    def take_receipt(batch: Batch, receipt: Receipt) -> None:
        pull.settle(batch)
        watcher.on_receipt(batch, receipt)

    totals = load_batches(
        client,
        dataset.table,
        pull.read_batches(),
        params={"on_conflict": "update"},
        on_receipt=take_receipt,
    )
    marks.finish(order.name, window)
    return totals


class _Pull:
    """The batches of one window, and how far their receipts reach without a gap."""

    def __init__(
        self, soda: SodaClient, dataset: SocrataDataset, name: str, window: Window
    ) -> None:
        self._soda = soda
        self._name = name
        self._window = window
        self._conditions = window.conditions(dataset.created)
        self._columns = _find_columns(dataset)
        self._page_ends: dict[int, str] = {}  # the `:id` a page ends with, by rows read until then
        self._settled = 0
        self._recorded = 0

    def count_rows(self) -> int:
        """Ask how many rows there are still to be loaded."""
        after = self._window.position
        where = [*self._conditions, *([f":id > {quote_text(after)}"] if after else [])]
        (found,) = self._soda.query(Query(select=["count(*) as total"], where=where)) or [{}]
        return int(found.get("total", 0))

    def read_batches(self) -> Iterator[Batch]:
        """Yield the rows as batches; a page's last batch ends where the page does."""
        pages = self._soda.read_pages(
            Query(select=[one.field for one in self._columns], where=self._conditions),
            page_rows=settings.CONFIG.socrata.page_rows,
            after=self._window.position,
        )
        rows_read = 0
        for page in pages:
            self._page_ends[rows_read + len(page)] = str(page[-1][":id"])
            for rows in self._cut(page, rows_read):
                rows_read += len(rows.texts)
                yield Batch(
                    body=_LAYOUT.encode(rows.texts),
                    layout=_LAYOUT,
                    rows=rows,
                    file=self._name,
                    bytes_read=rows_read,
                )

    def settle(self, batch: Batch) -> None:
        """Move the position past a batch with a receipt, unless one before it has none."""
        if batch.rows.places[0] != self._settled:
            return
        self._settled = batch.bytes_read
        position = self._page_ends.pop(self._settled, None)
        if position is not None:
            rows = self._settled - self._recorded
            marks.advance(self._name, self._window, position, rows)
            self._recorded = self._settled

    def _cut(self, page: list[SodaRow], start: int) -> Iterator[Rows]:
        texts = [encode_row(row, self._columns) for row in page]
        whole = Rows(texts, range(start, start + len(texts)))
        max_rows = min(BATCH_ROWS, settings.CONFIG.ingest.max_rows)
        return cut_rows([whole], max_rows=max_rows, max_bytes=BATCH_BYTES)


def _find_columns(dataset: SocrataDataset) -> list[FieldColumn]:
    known = exposed_tables().find(writer_connection(), dataset.table)
    return match_columns(known.table, dataset.fields)


def _read_moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _add(totals: Totals, more: Totals) -> None:
    for name in Totals.__slots__:
        setattr(totals, name, getattr(totals, name) + getattr(more, name))
