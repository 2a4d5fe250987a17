"""An iterator worked ahead of its reader, in a thread of its own."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_END = object()
_STEP_S = 0.2


def prefetch(source: Iterator[T], depth: int = 2) -> Iterator[T]:
    """Yield what the source yields, while up to `depth` further items are being made.

    The source runs in the other thread alone; what it raises is raised here.
    """
    items: queue.Queue[Any] = queue.Queue(depth)
    stopped = threading.Event()
    worker = threading.Thread(target=_work, args=(source, items, stopped), daemon=True)
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


def _work(source: Iterator[T], items: queue.Queue[Any], stopped: threading.Event) -> None:
    last: Any = _END
    try:
        for item in source:
            if not _hand_over(item, items, stopped):
                break
    except BaseException as error:
        last = _Failure(error)
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    _hand_over(last, items, stopped)


def _hand_over(item: Any, items: queue.Queue[Any], stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            items.put(item, timeout=_STEP_S)
        except queue.Full:
            continue
        return True
    return False
