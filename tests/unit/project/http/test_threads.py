"""Threads for calls that wait."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from project.base.errors import Unavailable
from project.http.threads import Rest, Threads

ROOT = Path(__file__).parents[4]

# The rest of the call's work begins when the process is about to end.
PROGRAM = """
import asyncio, threading
from project.base.errors import Unavailable
from project.http.threads import Threads

def finish():
    threading.main_thread().join()
    print("done")

asyncio.run(Threads(2, "test", patience_s=60).run(lambda: finish, "a"))
"""


def nothing() -> None:
    """Be the rest of a call that has done all of its work."""


def test_calls_one_after_the_other_are_run_by_one_thread() -> None:
    names: list[str] = []

    def call() -> Rest:
        names.append(threading.current_thread().name)
        return nothing

    async def run() -> None:
        threads = Threads(3, "test", patience_s=60)
        for _ in range(3):
            await threads.run(call, "a")

    asyncio.run(run())
    assert names == ["test-2"] * 3


def test_a_call_waits_for_an_idle_thread() -> None:
    second_is_asked_for = threading.Event()
    order: list[tuple[str, str]] = []

    def record(name: str) -> Rest:
        order.append((name, threading.current_thread().name))
        return nothing

    def first() -> Rest:
        assert second_is_asked_for.wait(60)
        return record("first")

    async def run() -> None:
        threads = Threads(1, "test", patience_s=60)
        both = [
            asyncio.create_task(threads.run(call, "a"))
            for call in (first, lambda: record("second"))
        ]
        await asyncio.sleep(0)  # both tasks have run up to where they wait
        second_is_asked_for.set()
        await asyncio.gather(*both)

    asyncio.run(run())
    assert order == [("first", "test-0"), ("second", "test-0")]


def test_a_thread_outlives_a_call_that_fails() -> None:
    def fail() -> Rest:
        raise ZeroDivisionError

    async def run() -> None:
        threads = Threads(1, "test", patience_s=60)
        with pytest.raises(ZeroDivisionError):
            await threads.run(fail, "a")
        await threads.run(lambda: nothing, "a")

    asyncio.run(run())


def test_calls_of_one_group_leave_a_thread_to_others() -> None:
    begun: list[str] = []
    is_over = threading.Event()

    def wait() -> Rest:
        begun.append("waits")
        assert is_over.wait(60)
        return nothing

    async def run() -> None:
        threads = Threads(3, "test", patience_s=60)
        waiting = [asyncio.create_task(threads.run(wait, "a")) for _ in range(5)]
        await threads.run(lambda: nothing, "b")
        begun.append("another")
        is_over.set()
        await asyncio.gather(*waiting)

    asyncio.run(run())
    assert begun == ["waits"] * 2 + ["another"] + ["waits"] * 3


def test_a_call_that_waits_too_long_for_its_group_may_be_tried_again() -> None:
    is_over = threading.Event()

    def wait() -> Rest:
        assert is_over.wait(60)
        return nothing

    async def run() -> None:
        threads = Threads(2, "test", patience_s=0.01)
        waiting = asyncio.create_task(threads.run(wait, "a"))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await threads.run(wait, "a")
        is_over.set()
        await waiting
        await threads.run(wait, "a")

    asyncio.run(run())


def test_the_process_ends_after_what_its_threads_have_begun() -> None:
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"
