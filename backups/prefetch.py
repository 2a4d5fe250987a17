"""An iterator that runs in a thread of its own, ahead of its reader."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_END = object()
_STEP_S = 0.2


def prefetch(source: Iterator[T], depth: int = 2) -> Iterator[T]:
    """Yield what the source yields, while another thread takes up to `depth` further items.

    The source runs in that thread only; what it raises is raised here.
    """
    items: queue.Queue[Any] = queue.Queue(depth)
    stopped = threading.Event()
    worker = threading.Thread(target=_fill, args=(source, items, stopped), daemon=True)
    worker.start()
    try:
        while True:
            item = items.get()
            if item is _END:
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stopped.set()
        worker.join()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _fill(source: Iterator[T], items: queue.Queue[Any], stopped: threading.Event) -> None:
    last: Any = _END
    try:
        for item in source:
            if not _put(item, items, stopped):
                break
    except BaseException as error:
        last = _Failure(error)
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    _put(last, items, stopped)


def _put(item: Any, items: queue.Queue[Any], stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            items.put(item, timeout=_STEP_S)
        except queue.Full:
            continue
        return True
    return False
