"""Threads for calls that wait."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from project.http.threads import Rest, Threads

ROOT = Path(__file__).parents[4]

# The rest of the call's work begins when the process is about to end.
PROGRAM = """
import asyncio, threading
from project.http.threads import Threads

def finish():
    threading.main_thread().join()
    print("done")

asyncio.run(Threads(2, "test").run(lambda: finish))
"""


def nothing() -> None:
    """Be the rest of a call that has done all of its work."""


def test_calls_one_after_the_other_are_run_by_one_thread() -> None:
    names: list[str] = []

    def call() -> Rest:
        names.append(threading.current_thread().name)
        return nothing

    async def run() -> None:
        threads = Threads(3, "test")
        for _ in range(3):
            await threads.run(call)

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
        threads = Threads(1, "test")
        both = [
            asyncio.create_task(threads.run(call)) for call in (first, lambda: record("second"))
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
        threads = Threads(1, "test")
        with pytest.raises(ZeroDivisionError):
            await threads.run(fail)
        await threads.run(lambda: nothing)

    asyncio.run(run())


def test_the_process_ends_after_what_its_threads_have_begun() -> None:
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"
