"""Work ahead of its reader."""

from collections.abc import Iterator

import pytest

from backups.prefetch import prefetch


def test_yields_everything_in_order() -> None:
    assert list(prefetch(iter(range(100)), depth=1)) == list(range(100))


def test_raises_what_the_source_raises_after_what_it_yielded() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = prefetch(source())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_closes_the_source_when_its_reader_stops() -> None:
    closed = []

    def source() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.append(True)

    items = prefetch(source())
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert closed == [True]
