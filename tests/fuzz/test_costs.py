"""What the worst requests cost: the processor, and memory beyond their bodies."""

import gc
import os
import time
from collections.abc import Iterator
from random import Random

import pytest
from django.core.handlers.base import BaseHandler
from django.test import RequestFactory

from project.http.access.senders import find_body_route
from project.server.garbage import collect_rarely
from tests.api.tables import make_every_type_table
from tests.conftest import KeyMaker
from tests.cost import Cost, limit_cpu, measure
from tests.fuzz.hurtful import KINDS, Kind
from tests.scale import is_short

MIB = 1 << 20
MOST_MEMORY_BYTES = 64 * MIB
# A row's array is read element by element where one of them is bad.
MOST_LONG_BYTES = 128 * MIB
# A hundred times what the worst of the short bodies needs.
MOST_CPU_S = 10.0
SHORT_BYTES = 128 * 1024
LONG_S = 600.0


class Service:
    """Django's handler as the gateway calls it, and a key."""

    def __init__(self, key: str) -> None:
        self._handler = BaseHandler()
        self._handler.load_middleware()
        self._key = key

    def measure(self, kind: Kind, size: int) -> Cost:
        """Send a body of a kind and return what the request cost beyond it."""
        most = find_body_route(kind.address, "POST").max_bytes
        body = kind.write(min(size, most))[:most]
        request = RequestFactory().generic(
            "POST",
            f"{kind.address}?dry_run=true",  # no row is in the way of the next request's
            body,
            kind.media_type,
            headers={"Authorization": f"Api-Key {self._key}", **kind.headers},
        )
        cost = measure(lambda: self._handler.get_response(request))
        return Cost(cpu_s=cost.cpu_s, memory_bytes=cost.memory_bytes - len(body))


@pytest.fixture
def service(api_key: KeyMaker) -> Iterator[Service]:
    """The service with a table of every type; what it does once at first is done."""
    make_every_type_table()
    service = Service(api_key("read", "ingest", "backup"))
    service.measure(KINDS["long uuids"], 1000)
    thresholds = gc.get_threshold()
    collect_rarely()
    yield service
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_no_short_body_takes_long_or_much_memory(service: Service) -> None:
    for name, kind in KINDS.items():
        with limit_cpu(MOST_CPU_S):
            cost = service.measure(kind, SHORT_BYTES)
        assert cost.memory_bytes <= MOST_MEMORY_BYTES, name


@pytest.mark.skipif(is_short(), reason="ten minutes")
def test_the_worst_request_of_ten_minutes(service: Service) -> None:
    random = Random(os.urandom(8))
    costs: list[tuple[Cost, str, int]] = []
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        name = random.choice(list(KINDS))
        size = int(2 ** random.uniform(10, 24))
        costs.append((service.measure(KINDS[name], size), name, size))
    by_cpu = sorted(costs, key=lambda one: one[0].cpu_s)[-10:]
    by_memory = sorted(costs, key=lambda one: one[0].memory_bytes)[-10:]
    print(f"{len(costs)} requests")  # noqa: T201
    for cost, name, size in by_cpu + by_memory:
        print(f"{cost.cpu_s:.2f} s, {cost.memory_bytes / MIB:.0f} MiB: {name}, {size} bytes")  # noqa: T201
    assert by_memory[-1][0].memory_bytes <= MOST_LONG_BYTES
