"""A Socrata dataset loaded through the ingest endpoint: only what changed, resumable anywhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

from ingest.loaders.client import IngestClient
from ingest.loaders.delivery import OnReceipt, Totals, load_batches
from ingest.loaders.formats.files import BATCH_BYTES, Batch
from ingest.loaders.formats.layouts import BATCH_ROWS, ReadOptions, lay_out_json
from ingest.loaders.formats.rows import Rows, cut_rows
from ingest.loaders.order import read_order
from ingest.loaders.responses import Receipt
from ingest.loaders.socrata import high_water_mark
from ingest.loaders.socrata.client import Row as SodaRow
from ingest.loaders.socrata.client import SodaClient
from ingest.loaders.socrata.high_water_mark import Window
from ingest.loaders.socrata.soql import Query, quote_text
from ingest.loaders.socrata.sources import find_dataset, open_client
from ingest.loaders.socrata.values import encode_row, match_columns
from ingest.local_service import read_api_key, service_address
from ingest.models import SocrataMark
from ingest.writing.tables import exposed_tables
from project.base.config import SocrataDataset
from project.base.database import writer_connection

# Socrata writes milliseconds; the moments it compares may have more digits.
_TICK = timedelta(milliseconds=1)
_LAYOUT = lay_out_json(ReadOptions(), as_lines=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What is to be loaded: by default what changed since the last load."""

    name: str
    since_modified: datetime | None = None  # with its zone
    since_created: datetime | None = None  # floating
    restart: bool = False  # leave a load that was stopped unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Who is told how a load proceeds."""

    on_total: Callable[[int], object] = lambda rows: None  # rows still to come, once known
    on_receipt: OnReceipt = lambda batch, receipt: None


def load_changes() -> str:
    """Load what changed in each configured dataset that was loaded before; say what was done.

    The first load of a dataset can be millions of rows and is started by a person.
    """
    started = set(SocrataMark.objects.values_list("name", flat=True))
    names = [name for name in settings.CONFIG.socrata.datasets if name in started]
    return "; ".join(f"{name}: {_load(name)}" for name in names) or "nothing was loaded before"


def _load(name: str) -> str:
    with open_client(name) as soda, IngestClient(service_address(), read_api_key()) as client:
        return load_dataset(soda, client, LoadOptions(name=name)).describe()


def load_dataset(
    soda: SodaClient,
    client: IngestClient,
    options: LoadOptions,
    observer: Observer = Observer(),
) -> Totals:
    """Load what is asked for and return the totals.

    A load that was stopped is finished first, unless something else is asked for. Raises
    `LoadStopped`, `SodaRefused` or `SodaUnreachable`; the next call goes on after the last page
    whose rows all had their outcome.
    """
    totals = Totals()
    window = _resumable(options)
    if window is not None:
        totals += _load_window(soda, client, options.name, window, observer)
        if options.since_modified or options.since_created:
            return totals
    window = _plan(soda, options)
    if window is not None:
        high_water_mark.begin_window(options.name, window)
        totals += _load_window(soda, client, options.name, window, observer)
    return totals


def _resumable(options: LoadOptions) -> Window | None:
    window = high_water_mark.unfinished_window(high_water_mark.read_mark(options.name))
    if window is None or options.restart:
        return None
    if options.since_modified and options.since_modified != window.low:
        return None
    if options.since_created and options.since_created != window.created_since:
        return None
    return window


def _plan(soda: SodaClient, options: LoadOptions) -> Window | None:
    """Return the window of a new load, None where nothing changed since the mark.

    Rows that are modified while the load runs leave the window and are in the next one. The
    overlap takes again what may have become visible late; an update with the same values harms
    nothing.
    """
    mark = high_water_mark.read_mark(options.name)
    created_since = options.since_created or high_water_mark.floating(mark.created_since)
    wanted = high_water_mark.created_condition(created_since, find_dataset(options.name).created)
    (found,) = soda.query(Query(select=["max(:updated_at) as latest"], where=wanted)) or [{}]
    if not found.get("latest"):
        return None
    latest = datetime.fromisoformat(found["latest"])
    high = (latest if latest.tzinfo else latest.replace(tzinfo=UTC)) + _TICK
    low = options.since_modified
    if low is None and options.since_created is None and mark.mark is not None:
        if high <= mark.mark:
            return None
        low = mark.mark - timedelta(minutes=settings.CONFIG.socrata.overlap_minutes)
    return Window(low=low, high=high, created_since=created_since)


def _load_window(
    soda: SodaClient, client: IngestClient, name: str, window: Window, observer: Observer
) -> Totals:
    dataset = find_dataset(name)
    reader = _WindowReader(soda, dataset, name, window)
    observer.on_total(reader.count_rows())

    def take_receipt(batch: Batch, receipt: Receipt) -> None:
        reader.advance(batch)
        observer.on_receipt(batch, receipt)

    totals = load_batches(
        client,
        dataset.table,
        reader.read_batches(),
        read_order(client, dataset.table),
        params={"on_conflict": "update"},
        on_receipt=take_receipt,
    )
    high_water_mark.finish_window(name, window)
    return totals


class _WindowReader:
    """The batches of one window, and how far their receipts reach without a gap."""

    def __init__(
        self, soda: SodaClient, dataset: SocrataDataset, name: str, window: Window
    ) -> None:
        self._soda = soda
        self._name = name
        self._window = window
        self._where = window.as_soql(dataset.created)
        table = exposed_tables().find(writer_connection(), dataset.table).table
        self._columns = match_columns(table, dataset.fields)
        self._page_ends: dict[int, str] = {}  # the `:id` a page ends with, by rows read until then
        self._settled = 0  # rows with a receipt, and all before them
        self._recorded = 0

    def count_rows(self) -> int:
        """Ask how many rows there are still to be loaded."""
        after = self._window.last_id
        where = [*self._where, *([f":id > {quote_text(after)}"] if after else [])]
        (found,) = self._soda.query(Query(select=["count(*) as total"], where=where)) or [{}]
        return int(found.get("total", 0))

    def read_batches(self) -> Iterator[Batch]:
        """Yield the rows as batches; a page's last batch ends where the page does."""
        pages = self._soda.read_pages(
            Query(select=[one.field for one in self._columns], where=self._where),
            page_rows=settings.CONFIG.socrata.page_rows,
            after=self._window.last_id,
        )
        rows_read = 0
        for page in pages:
            batches = self._cut(page, rows_read)
            rows_read += len(page)
            self._page_ends[rows_read] = str(page[-1][":id"])
            for rows in batches:
                yield Batch(
                    body=_LAYOUT.encode(rows.texts),
                    layout=_LAYOUT,
                    rows=rows,
                    file=self._name,
                    steps=len(rows.texts),
                )

    def advance(self, batch: Batch) -> None:
        """Record the end of a page once all its rows, and all before them, have a receipt."""
        if batch.rows.places[0] != self._settled:
            return
        self._settled = batch.rows.places[-1] + 1
        last_id = self._page_ends.pop(self._settled, None)
        if last_id is not None:
            high_water_mark.advance_window(
                self._name, self._window, last_id, self._settled - self._recorded
            )
            self._recorded = self._settled

    def _cut(self, page: list[SodaRow], start: int) -> Iterator[Rows]:
        texts = [encode_row(row, self._columns) for row in page]
        whole = Rows(texts, range(start, start + len(texts)))
        max_rows = min(BATCH_ROWS, settings.CONFIG.ingest.max_rows)
        return cut_rows([whole], max_rows=max_rows, max_bytes=BATCH_BYTES)
