"""What clients sent and were told, compared with what is stored at the end.

In the manner of Jepsen's set test: every row is an element of its own, and the final read shows
which elements were lost, doubled, or never sent.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

COUNTS = ("received", "inserted", "updated", "ignored", "rejected")


@dataclass(frozen=True)
class Batch:
    """One batch: its elements, in the order of its rows."""

    key: str
    elements: tuple[int, ...]


@dataclass(frozen=True)
class Final:
    """The final read: elements by how often they are stored and logged as rejected."""

    stored: Mapping[int, int]
    rejected: Mapping[int, int]
    receipts: Mapping[str, tuple[int, ...]]  # batch id: its `COUNTS` as stored
    orphans: tuple[int, ...] = ()  # elements stored without the row they refer to


@dataclass(frozen=True)
class Verdict:
    """The elements that are not where they should be; a sound service leaves all of it empty."""

    lost: tuple[int, ...]  # acknowledged as stored or rejected, and not there
    doubled: tuple[int, ...]  # there more than once
    unexpected: tuple[int, ...]  # there, though never sent or told otherwise
    unbalanced: tuple[str, ...]  # batches whose receipt is gone, or does not add up
    torn: tuple[str, ...]  # batches of unknown outcome that are there in part
    orphans: tuple[int, ...]  # stored although they refer to nothing

    @property
    def is_sound(self) -> bool:
        """Whether there is nothing to complain of."""
        return not any(astuple(self))


@dataclass
class History:
    """What all clients of a run did; they share it."""

    attempted: list[Batch] = field(default_factory=list)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)  # key: receipt
    unknown_answers: list[str] = field(default_factory=list)
    setbacks: Counter[str] = field(default_factory=Counter)  # why a batch was sent again
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attempt(self, batch: Batch) -> None:
        """Note a batch before its first byte is sent."""
        with self._lock:
            self.attempted.append(batch)

    def acknowledge(self, batch: Batch, receipt: dict[str, Any]) -> None:
        """Note the receipt of a batch."""
        with self._lock:
            self.acknowledged[batch.key] = receipt

    def reasons(self) -> set[str]:
        """Return the codes of all errors of rejected rows."""
        return {
            error["code"]
            for receipt in self.acknowledged.values()
            for rejection in receipt["rejections"]
            for error in rejection["errors"]
        }

    def set_back(self, reason: str) -> None:
        """Note that a try had no final answer."""
        with self._lock:
            self.setbacks[reason] += 1

    def complain(self, answer: str) -> None:
        """Note an answer that no client should ever get."""
        with self._lock:
            self.unknown_answers.append(answer)

    def judge(self, final: Final) -> Verdict:
        """Compare with the final read."""
        promised_stored: set[int] = set()
        promised_rejected: set[int] = set()
        in_doubt: set[int] = set()
        unbalanced: list[str] = []
        torn: list[str] = []
        there = final.stored.keys() | final.rejected.keys()
        for batch in self.attempted:
            receipt = self.acknowledged.get(batch.key)
            if receipt is None:
                in_doubt.update(batch.elements)
                if 0 < len(there.intersection(batch.elements)) < len(batch.elements):
                    torn.append(batch.key)
                continue
            bad = {batch.elements[one["index"]] for one in receipt["rejections"]}
            promised_rejected |= bad
            promised_stored.update(set(batch.elements) - bad)
            if not _balances(batch, receipt, final.receipts.get(receipt["batch"])):
                unbalanced.append(batch.key)
        found = Counter(final.stored) + Counter(final.rejected)
        return Verdict(
            lost=_sorted(
                (promised_stored - final.stored.keys())
                | (promised_rejected - final.rejected.keys())
            ),
            doubled=_sorted(element for element, times in found.items() if times > 1),
            unexpected=_sorted(
                (final.stored.keys() - promised_stored - in_doubt)
                | (final.rejected.keys() - promised_rejected - in_doubt)
            ),
            unbalanced=tuple(unbalanced),
            torn=tuple(torn),
            orphans=final.orphans,
        )


def _balances(batch: Batch, receipt: dict[str, Any], stored: tuple[int, ...] | None) -> bool:
    received, *outcomes = (receipt[name] for name in COUNTS)
    return (
        received == len(batch.elements) == sum(outcomes)
        and receipt["rejected"] == len(receipt["rejections"])
        and stored == (received, *outcomes)
    )


def _sorted(elements: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(elements))
