"""Many clients at once, and clients that never get on.

How little the others notice of these is measured by tests/bench/slow.py.
"""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings

from project.base.config import read_config
from project.server.startup import web_command
from tests.api.sending import stored
from tests.conftest import KeyMaker
from tests.serving import serving

pytestmark = pytest.mark.usefixtures("database")

CONNECTIONS = 200
SLOW = 60
BESIDE = 100  # requests while the slow ones are there
PATIENCE_S = 5


@pytest.fixture
def impatient_server(django_db_setup: object, tmp_path: Path, settings: Settings) -> Iterator[int]:
    """Serve as `manage.py up` does, with five seconds for a request to arrive; yield the port."""
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
    try:
        line = await reader.readline()
    except ConnectionResetError:  # what was sent last was not read before the connection was closed
        return 0
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

    async def run() -> tuple[list[int], list[int], list[int]]:
        bodies = [
            asyncio.create_task(dawdle(port, whole[:head], whole[head:])) for _ in range(SLOW // 2)
        ]
        heads = [asyncio.create_task(dawdle(port, b"", whole)) for _ in range(SLOW // 2)]
        others = [await ask(port, request(key, number)) for number in range(BESIDE)]
        return others, await asyncio.gather(*bodies), await asyncio.gather(*heads)

    others, bodies, heads = asyncio.run(run())
    assert others == [201] * BESIDE
    assert 408 in bodies
    assert set(bodies + heads) <= {0, 408}  # it just closes where not even the headers came
    assert stored("SELECT count(*) FROM hiring.jobs WHERE job_id = -1") == [(0,)]


def test_a_request_must_arrive_within_thirty_seconds() -> None:
    assert settings.CONFIG.http.body_timeout_s == 30
    command = web_command("127.0.0.1", 1)
    assert command[command.index("--http1-header-read-timeout") + 1] == "30000"
