"""An iterator that runs in a thread of its own, ahead of its reader."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_END = object()


def prefetch(source: Iterator[T], depth: int = 3) -> Iterator[T]:
    """Yield what the source yields, while another thread takes up to `depth` further items.

    The source runs in that thread only; what it raises is raised here.
    """
    with ThreadPoolExecutor(1) as worker:
        items: deque[Future[Any]] = deque(worker.submit(next, source, _END) for _ in range(depth))
        try:
            while (item := items.popleft().result()) is not _END:
                items.append(worker.submit(next, source, _END))
                yield item
        finally:
            for future in items:
                future.cancel()
            if isinstance(source, Generator):
                worker.submit(source.close).result()
