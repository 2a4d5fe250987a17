"""How long a client's answers take, alone and beside sixty clients that send a byte a second.

Windows without and with the slow clients take turns, so that whatever else the machine does meets
both. The slow ones are a process of their own, whose work is not in the timed client's way.
"""

import argparse
import asyncio
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from typing import Any

from tests.bench.stage import BASE, Stage, set_stage
from tests.bench.table import Figure, print_figures

SLOW = 60
REQUESTS = 250  # of a window
BODY = json.dumps([{"job_id": 1, "job_name": "Clerk"}]).encode()
ADDRESS = "/api/ingest/hiring.jobs?on_conflict=update"


async def dawdle(port: int, at_once: bytes, slowly: bytes) -> float:
    """Send a byte a second until the service ends it; return after how many seconds it did."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(at_once)
    end = asyncio.create_task(reader.read())
    for byte in slowly:
        writer.write(bytes([byte]))
        done, _ = await asyncio.wait([end], timeout=1)
        if done:
            break
    writer.close()
    return time.monotonic() - began


async def dawdle_all(port: int, key: str) -> None:
    """Run the slow clients to their end, half with slow headers; print how long each lasted."""
    head = (
        f"POST {ADDRESS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Api-Key {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    ).encode()
    bodies = [dawdle(port, head, BODY * 20) for _ in range(SLOW // 2)]
    heads = [dawdle(port, b"", head) for _ in range(SLOW - SLOW // 2)]
    running = asyncio.gather(*bodies, *heads)
    await asyncio.sleep(1)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(await running))


@contextmanager
def slow_clients(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    """Have the slow clients connected during the block."""
    port = stage.url.rpartition(":")[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.slow", "--port", port, "--key", stage.key],
        cwd=BASE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the slow clients cannot connect")
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def time_requests(stage: Stage) -> list[float]:
    """Return the milliseconds that each of a window's requests took."""
    connection = http.client.HTTPConnection(stage.url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Api-Key {stage.key}", "Content-Type": "application/json"}
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("POST", ADDRESS, BODY, headers)
        answer = connection.getresponse()
        text = answer.read()
        times.append(1000 * (time.perf_counter() - began))
        if answer.status != http.HTTPStatus.CREATED:
            raise RuntimeError(f"{answer.status}: {text[:300]!r}")
    connection.close()
    return times


def used_ms(stage: Stage) -> float:
    """Return the processor time of the service's processes so far."""
    processes = [stage.server, *stage.server.children(recursive=True)]
    return 1000 * sum(sum(process.cpu_times()[:2]) for process in processes)


def compare(stage: Stage, pairs: int) -> list[Figure]:
    """Return what answers take beside slow clients, as ratios to what they take alone."""
    time_requests(stage)  # what is slow the first time
    times: dict[bool, list[float]] = {False: [], True: []}
    used = {False: 0.0, True: 0.0}

    def measure(*, is_beside: bool) -> None:
        before = used_ms(stage)
        times[is_beside] += time_requests(stage)
        used[is_beside] += used_ms(stage) - before

    for number in range(pairs):
        for is_beside in (number % 2 == 0, number % 2 == 1):
            if is_beside:
                with slow_clients(stage):
                    measure(is_beside=True)
            else:
                measure(is_beside=False)
    alone, beside = (quantiles(times[is_beside], n=100) for is_beside in (False, True))
    count = pairs * REQUESTS
    return [
        figure("p50, ms", beside[49], alone[49]),
        figure("p99, ms", beside[98], alone[98]),
        figure("the service's CPU a request, ms", used[True] / count, used[False] / count),
    ]


def figure(label: str, beside: float, alone: float) -> Figure:
    """Return a figure beside slow clients, as a ratio to that without them."""
    return Figure(
        label=label, ours=beside, limit=alone, limit_name="alone", ratio=beside / max(alone, 1e-9)
    )


def time_cuts(stage: Stage) -> list[Figure]:
    """Return after how many seconds the first and the last slow client were cut."""
    with slow_clients(stage) as process:
        assert process.stdout is not None
        lasted: list[float] = json.loads(process.stdout.read())
    return [
        Figure(label="first slow client cut, s", ours=min(lasted)),
        Figure(label="last slow client cut, s", ours=max(lasted)),
    ]


def main(arguments: list[str] | None = None) -> list[Figure]:
    """Run it, print and return the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="windows of each kind")
    parser.add_argument("--port", type=int, help="be the slow clients of the service there")
    parser.add_argument("--key")
    options: Any = parser.parse_args(arguments)
    if options.port is not None:
        asyncio.run(dawdle_all(options.port, options.key))
        return []
    with set_stage() as stage:
        figures = [*compare(stage, options.pairs), *time_cuts(stage)]
    print_figures(f"{SLOW} clients of a byte a second", figures)
    return figures


if __name__ == "__main__":
    main()
