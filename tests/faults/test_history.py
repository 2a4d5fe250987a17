"""The checker itself: each kind of damage is seen, and an unharmed run is sound."""

from typing import Any

import pytest

from tests.faults.history import Batch, Final, History, Verdict

FIRST, SECOND, UNKNOWN = Batch("a", (1, 2, 3)), Batch("b", (4, 5)), Batch("c", (6, 7))


def receipt(batch: str, received: int, *rejected: int) -> dict[str, Any]:
    return {
        "batch": batch,
        "received": received,
        "inserted": received - len(rejected),
        "updated": 0,
        "ignored": 0,
        "rejected": len(rejected),
        "rejections": [{"index": index, "errors": []} for index in rejected],
    }


STORED = {1: 1, 3: 1, 4: 1, 5: 1}
REJECTED = {2: 1}
RECEIPTS = {"A": (3, 2, 0, 0, 1), "B": (2, 2, 0, 0, 0)}


def judge(stored: dict[int, int], rejected: dict[int, int], receipts: Any = RECEIPTS) -> Verdict:
    history = History()
    for batch in (FIRST, SECOND, UNKNOWN):
        history.attempt(batch)
    history.acknowledge(FIRST, receipt("A", 3, 1))
    history.acknowledge(SECOND, receipt("B", 2))
    return history.judge(Final(stored, rejected, receipts))


@pytest.mark.parametrize("unknown", [{}, {6: 1, 7: 1}], ids=["absent", "present"])
def test_an_unharmed_run_is_sound_whatever_became_of_unknown_batches(
    unknown: dict[int, int],
) -> None:
    assert judge(STORED | unknown, REJECTED).is_sound


@pytest.mark.parametrize(
    ("stored", "rejected", "seen"),
    [
        ({1: 1, 3: 1, 4: 1}, REJECTED, {"lost": (5,)}),
        (STORED, {}, {"lost": (2,)}),
        (STORED | {1: 2}, REJECTED, {"doubled": (1,)}),
        (STORED, {2: 2}, {"doubled": (2,)}),
        (STORED | {2: 1}, REJECTED, {"doubled": (2,), "unexpected": (2,)}),
        (STORED | {99: 1}, REJECTED, {"unexpected": (99,)}),
        (STORED, REJECTED | {99: 1}, {"unexpected": (99,)}),
        (STORED | {6: 1}, REJECTED, {"torn": ("c",)}),
    ],
)
def test_damage_to_rows_is_seen(
    stored: dict[int, int], rejected: dict[int, int], seen: dict[str, tuple[Any, ...]]
) -> None:
    verdict = judge(stored, rejected)
    clean: dict[str, tuple[Any, ...]] = {
        "lost": (),
        "doubled": (),
        "unexpected": (),
        "unbalanced": (),
        "torn": (),
        "orphans": (),
    }
    assert verdict == Verdict(**(clean | seen))
    assert not verdict.is_sound


def test_a_row_without_its_parent_is_seen() -> None:
    history = History()
    history.attempt(SECOND)
    history.acknowledge(SECOND, receipt("B", 2))
    verdict = history.judge(Final({4: 1, 5: 1}, {}, RECEIPTS, orphans=(5,)))
    assert verdict.orphans == (5,)
    assert not verdict.is_sound


@pytest.mark.parametrize("receipts", [{"A": RECEIPTS["A"]}, RECEIPTS | {"B": (2, 1, 0, 0, 0)}])
def test_a_receipt_that_is_gone_or_differs_is_seen(receipts: dict[str, tuple[int, ...]]) -> None:
    assert judge(STORED, REJECTED, receipts).unbalanced == ("b",)
