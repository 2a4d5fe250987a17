"""What a call costs: the processor time of its thread, and the memory of its process."""

import ctypes
import gc
import re
import signal
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.needs import need

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"
_FIGURE = re.compile(r"(VmHWM|VmRSS):\s+(\d+) kB")


class TooSlow(BaseException):
    """The processor time that a call may take is over."""


@contextmanager
def limit_cpu(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` in the main thread once the process has worked for so long.

    Regular expressions look for signals, too.
    """
    before = signal.signal(signal.SIGPROF, _raise_too_slow)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _raise_too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow


def count_allocated(call: Callable[[], object]) -> int:
    """Run a call; return how many bytes Python had allocated for it at most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Processor time, and bytes at the worst moment beyond what the process had before."""

    cpu_s: float
    memory_bytes: int


def measure(call: Callable[[], object]) -> Cost:
    """Run a call and return what it cost."""
    need((_PROCESS / "clear_refs").exists(), "Linux alone tells how much memory was used at most")
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    (_PROCESS / "clear_refs").write_text(_RESET_PEAK)
    before = _read_memory()["VmRSS"]
    start = time.thread_time()
    call()
    cpu_s = time.thread_time() - start
    return Cost(cpu_s=cpu_s, memory_bytes=_read_memory()["VmHWM"] - before)


def _read_memory() -> dict[str, int]:
    status = (_PROCESS / "status").read_text()
    return {name: int(kilobytes) * 1024 for name, kilobytes in _FIGURE.findall(status)}
