"""Rows that refer to a row further down in the load: sent again when all rows have been sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from ingest.loaders.client import IngestClient
from ingest.loaders.formats.files import Batch
from ingest.loaders.formats.rows import Rows
from ingest.loaders.responses import Receipt, ReplaySummary, RowRejection

# Batches whose rejections one request asks for: their ids stand in its address.
_BATCHES_PER_REQUEST = 50

# What a row is sent again with: all else was said of the batch that it came in.
_KEPT = ("on_conflict", "conflict_key")


@dataclass(slots=True)
class _Held:
    """A rejected row as a batch of its own, and why it was rejected last."""

    batch: Batch
    errors: msgspec.Raw


@dataclass(slots=True)
class ForwardReferences:
    """Holds rejections back that a row sent later may have made needless.

    `parents` are the columns of each reference of the table to itself.
    """

    client: IngestClient
    params: Mapping[str, str]
    parents: Sequence[frozenset[str]]
    _held: dict[tuple[str, int], _Held] = field(default_factory=dict)

    def hold(self, batch: Batch, receipt: Receipt) -> Receipt:
        """Hold the rows that only lack a row of the same table; return the receipt without them."""
        if not (self.parents and receipt.rejections) or "dry_run" in self.params:
            return receipt
        kept = []
        for rejection in receipt.rejections:
            if self._lacks_parent_only(rejection):
                alone = _keep_row(batch, rejection.index)
                self._held[receipt.batch, rejection.index] = _Held(alone, rejection.errors)
            else:
                kept.append(rejection)
        return msgspec.structs.replace(receipt, rejections=kept)

    def _lacks_parent_only(self, rejection: RowRejection) -> bool:
        return all(
            error.code == "fk_violation" and frozenset(error.columns) in self.parents
            for error in rejection.read_errors()
        )

    def send_again(self) -> Iterator[ReplaySummary]:
        """Have the service try the rows that are held until no further one is stored."""
        while self._held:
            summaries = list(self._replay_each_once())
            yield from summaries
            if any(summary.skipped for summary in summaries):
                return  # which of the rows were skipped is not told
            rejected = {
                (one.batch, one.index): one.errors for each in summaries for one in each.rejections
            }
            self._held = {
                place: replace(held, errors=rejected[place])
                for place, held in self._held.items()
                if place in rejected
            }
            if not any(summary.replayed for summary in summaries):
                return

    def _replay_each_once(self) -> Iterator[ReplaySummary]:
        batches = list(dict.fromkeys(batch for batch, _ in self._held))
        kept = {name: self.params[name] for name in _KEPT if name in self.params}
        for start in range(0, len(batches), _BATCHES_PER_REQUEST):
            chosen = ",".join(batches[start : start + _BATCHES_PER_REQUEST])
            yield from self.client.replay({"batch": chosen, "code": "fk_violation", **kept})

    def release(self) -> Iterator[tuple[Batch, Receipt]]:
        """Yield the rows that stay rejected, each as a batch of its own that counts nothing."""
        for (batch, _), held in self._held.items():
            rejection = RowRejection(index=0, errors=held.errors)
            yield held.batch, Receipt(batch=batch, rejections=[rejection])
        self._held.clear()


def _keep_row(batch: Batch, index: int) -> Batch:
    row = Rows([batch.rows.texts[index]], [batch.rows.places[index]])
    return replace(batch, body=b"", rows=row, steps=0)
