"""Many clients at once, and clients that never get on: others hardly notice them."""

import asyncio
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import quantiles

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from project.config import read_config
from project.startup import web_command
from tests.api.sending import stored
from tests.conftest import KeyMaker
from tests.serving import serving

pytestmark = pytest.mark.usefixtures("database")

CONNECTIONS = 200
SLOW = 60
TIMED = 100  # requests of which p99 is taken
PATIENCE_S = 3


@pytest.fixture
def impatient_server(django_db_setup: object, tmp_path: Path, settings: Settings) -> Iterator[int]:
    """Serve as `manage.py up` does, with three seconds for a request to arrive; yield the port."""
    text = (Path(settings.BASE_DIR) / "rest_conf.yml").read_text()
    assert "body_timeout_s: 30 " in text
    config = tmp_path / "rest_conf.yml"
    config.write_text(text.replace("body_timeout_s: 30 ", f"body_timeout_s: {PATIENCE_S} "))
    settings.CONFIG = read_config(config)
    environment = {"ROWHOUSE_CONFIG": str(config)}
    with serving(tmp_path / "output", partial(web_command, "127.0.0.1"), environment) as url:
        yield int(url.rpartition(":")[2])


def request(key: str, number: int) -> bytes:
    body = json.dumps([{"job_id": number, "job_name": "Clerk"}]).encode()
    head = (
        "POST /api/ingest/hiring.jobs HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Api-Key {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def read_status(reader: asyncio.StreamReader) -> int:
    """Return the status of one answer, 0 where the connection ended without one."""
    line = await reader.readline()
    if not line:
        return 0
    length = 0
    while (header := await reader.readline()).strip():
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    return int(line.split()[1])


async def ask(port: int, data: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    status = await read_status(reader)
    writer.close()
    return status


async def dawdle(port: int, at_once: bytes, slowly: bytes) -> int:
    """Send a byte a second for as long as the service listens; return the answer's status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(at_once)
    answer = asyncio.create_task(read_status(reader))
    for byte in slowly:
        writer.write(bytes([byte]))
        done, _ = await asyncio.wait([answer], timeout=1)
        if done:
            break
    status = await answer
    writer.close()
    return status


async def time_requests(port: int, key: str, first: int) -> float:
    """Return the 99th percentile of the seconds that a request takes, one after the other."""
    times = []
    for number in range(first, first + TIMED):
        began = time.perf_counter()
        assert await ask(port, request(key, number)) == 201
        times.append(time.perf_counter() - began)
    return quantiles(times, n=100)[-1]


def test_two_hundred_connections_at_once_are_all_answered(server: str, api_key: KeyMaker) -> None:
    port, key = int(server.rpartition(":")[2]), api_key("ingest")

    async def ask_all() -> list[int]:
        return await asyncio.gather(
            *(ask(port, request(key, number)) for number in range(CONNECTIONS))
        )

    assert asyncio.run(ask_all()) == [201] * CONNECTIONS
    assert stored("SELECT count(*) FROM hiring.jobs") == [(CONNECTIONS,)]


def test_a_client_of_one_byte_a_second_is_cut_and_others_go_on(
    impatient_server: int, api_key: KeyMaker
) -> None:
    port, key = impatient_server, api_key("ingest")
    whole = request(key, -1)
    head = whole.index(b"\r\n\r\n") + 4

    async def run() -> tuple[float, float, list[int], list[int]]:
        await time_requests(port, key, 0)  # what is slow the first time
        alone = await time_requests(port, key, 1000)
        bodies = [
            asyncio.create_task(dawdle(port, whole[:head], whole[head:])) for _ in range(SLOW // 2)
        ]
        heads = [asyncio.create_task(dawdle(port, b"", whole)) for _ in range(SLOW // 2)]
        beside = await time_requests(port, key, 2000)
        return alone, beside, await asyncio.gather(*bodies), await asyncio.gather(*heads)

    alone, beside, bodies, heads = asyncio.run(run())
    print(f"p99 beside {SLOW} slow clients: {beside / alone:.2f} of p99 alone")  # noqa: T201
    assert bodies == [408] * (SLOW // 2)
    assert set(heads) <= {0, 408}  # the server just closes where not even the headers came
    assert stored("SELECT count(*) FROM hiring.jobs WHERE job_id = -1") == [(0,)]


def test_a_request_must_arrive_within_thirty_seconds() -> None:
    assert settings.CONFIG.http.body_timeout_s == 30
    command = web_command("127.0.0.1", 1)
    assert command[command.index("--http1-header-read-timeout") + 1] == "30000"
