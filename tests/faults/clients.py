"""Clients that send unique rows until they are told to stop, whatever happens to the service."""

import http.client
import itertools
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.faults.history import Batch, History
from tests.waiting import wait_until

CLIENTS = 8
MOST_ROWS = 12
PAUSE_S = 0.01
# Now and then a client connects anew, so that every worker gets requests.
BATCHES_A_CONNECTION = 5
RETRY_S = 0.05
# Longer than any lock or statement may take.
ANSWER_PATIENCE_S = 60.0
# A batch that is not answered by then stays in doubt, and the run fails.
BATCH_PATIENCE_S = 180.0

TABLE = "hiring.elements"
# No key keeps an element from being stored twice.
DEFINITION = """
CREATE TABLE hiring.parents (id int PRIMARY KEY);
INSERT INTO hiring.parents SELECT generate_series(1, 5);
CREATE TABLE hiring.elements (
    element bigint NOT NULL,
    size int NOT NULL CHECK (size > 0),
    parent int NOT NULL CONSTRAINT parent_is_there REFERENCES hiring.parents)
"""
# What a row's size may be: stored, refused by PostgreSQL, refused by the rules.
_SIZES: tuple[tuple[object, ...], ...] = ((1,), (1, 1, 1, -1), (1, 1, 1, "x"), (1, 1, -1, "x"))

# Why a row of theirs may be rejected.
REASONS = frozenset({"check_violation", "not_integer"})

_PARENTS = range(1, 6)

_RECEIPT = frozenset({201, 207, 422})


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How the clients of a run behave."""

    sends_keys: bool = True
    drops_every: int = 0  # so many batches, of which the first try's answer is thrown away
    passing: frozenset[int] = frozenset({503})  # answers after which a batch is sent again


@dataclass
class Fleet:
    """The clients of one service and what they lived through."""

    url: str
    key: str
    habits: Habits = field(default_factory=Habits)
    history: History = field(default_factory=History)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def sending(self, clients: int = CLIENTS) -> Iterator[None]:
        """Have clients send during the block; then each brings its last batch to an answer."""
        threads = [
            threading.Thread(target=self._work, args=[number], daemon=True)
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        try:
            self.wait_for_progress()
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def wait_for_progress(
        self, batches: int = CLIENTS, *, patience_s: float = BATCH_PATIENCE_S
    ) -> None:
        """Return when so many more batches have been acknowledged."""
        before = len(self.history.acknowledged)
        wait_until(
            lambda: len(self.history.acknowledged) >= before + batches,
            f"{batches} more batches are acknowledged",
            patience_s=patience_s,
        )

    def _work(self, number: int) -> None:
        client = _Client(self, number)
        while not self._over.is_set():
            client.send_batch()
            self._over.wait(PAUSE_S)


class _Client:
    """One client: a connection, and elements that no other client sends."""

    def __init__(self, fleet: Fleet, number: int) -> None:
        self._history = fleet.history
        self._habits = fleet.habits
        self._headers = {"Authorization": f"Api-Key {fleet.key}"}
        parts = urlsplit(fleet.url)
        self._connection = http.client.HTTPConnection(
            str(parts.hostname), parts.port, timeout=ANSWER_PATIENCE_S
        )
        self._elements = itertools.count(number * 10**9)
        self._batches = itertools.count(1)
        self._random = random.Random(number)
        self._name = f"client-{number}"

    def send_batch(self) -> None:
        """Send one batch until it is answered for good."""
        number = next(self._batches)
        count = self._random.randint(1, MOST_ROWS)
        batch = Batch(f"{self._name}-{number}", tuple(itertools.islice(self._elements, count)))
        sizes = self._random.choice(_SIZES)
        rows = [
            {
                "element": one,
                "size": self._random.choice(sizes),
                "parent": self._random.choice(_PARENTS),
            }
            for one in batch.elements
        ]
        body = json.dumps(rows).encode()
        drops = self._habits.drops_every
        if number % BATCHES_A_CONNECTION == 0:
            self._connection.close()
        self._history.attempt(batch)
        if drops and number % drops == 0:
            self._send_and_drop(batch, body, reads_status=number % (2 * drops) == 0)
        give_up_at = time.monotonic() + BATCH_PATIENCE_S
        while not self._try(batch, body):
            if time.monotonic() > give_up_at:
                self._history.complain(f"{batch.key}: no final answer")
                return

    def _try(self, batch: Batch, body: bytes) -> bool:
        """Send a batch once; return whether that settled it."""
        try:
            self._request(batch, body)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._set_back(type(error).__name__)
            return False
        answer = json.loads(text or b"null")
        if response.status in _RECEIPT and "batch" in answer:
            self._history.acknowledge(batch, answer)
            return True
        if response.status in self._habits.passing or _is_in_use(answer):
            self._set_back(f"{response.status} {answer['code']}")
            return False
        self._history.complain(f"{batch.key}: {response.status} {text[:300]!r}")
        return True

    def _request(self, batch: Batch, body: bytes) -> None:
        headers = self._headers | {"Content-Type": "application/json"}
        if self._habits.sends_keys:
            headers["Idempotency-Key"] = batch.key
        self._connection.request("POST", f"/api/ingest/{TABLE}", body, headers)

    def _send_and_drop(self, batch: Batch, body: bytes, *, reads_status: bool) -> None:
        """Send a batch and break the connection, at once or when the answer begins to come."""
        with suppress(OSError):
            self._request(batch, body)
            connected = self._connection.sock
            if reads_status and isinstance(connected, socket.socket):
                connected.recv(9)
        self._connection.close()
        self._history.set_back("dropped")

    def _set_back(self, reason: str) -> None:
        self._connection.close()
        self._history.set_back(reason)
        threading.Event().wait(RETRY_S)


def _is_in_use(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("code") == "idempotency_key_in_use"
