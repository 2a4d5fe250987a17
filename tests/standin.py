"""A stand-in for a Rowhouse service, to make it fail as no real one can be told to."""

import csv
import io
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "standin.key"


@dataclass
class Request:
    """A request as it arrived."""

    path: str
    query: dict[str, list[str]]
    content_type: str
    key: str
    body: bytes


@dataclass
class StandIn:
    """What the stand-in has seen and stored, and how it is to behave.

    `faults` are used up in the order requests arrive: "503", "429", "409", "drop" (the connection
    breaks before anything is stored) or "store_and_drop" (after). `before_answer` is called with
    each batch's rows once they are stored and may wait; a row is rejected if its `id` is in
    `bad_ids`, and a body refused if it holds `poison`.
    """

    url: str = ""
    faults: list[str] = field(default_factory=list)
    bad_ids: frozenset[str] = frozenset()
    poison: bytes | None = None
    miscount: int = 0
    before_answer: Callable[[list[dict[str, Any]]], object] = len
    columns: list[dict[str, str]] = field(default_factory=list)
    order: dict[str, Any] = field(default_factory=lambda: {"always": False})
    requests: list[Request] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)
    receipts: dict[str, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Store a batch once, under its key; return status and receipt."""
        rows = read_rows(request)
        with self.lock:
            if request.key not in self.receipts:
                self.receipts[request.key] = (request.body, self._store(rows))
            body, receipt = self.receipts[request.key]
            if body != request.body:
                return 422, problem("idempotency_key_reused", "another body came with this key")
        self.before_answer(rows)
        if not receipt["rejected"]:
            return 201, receipt
        return 422 if receipt["rejected"] == receipt["received"] else 207, receipt

    def _store(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        rejections = [
            {"index": index, "line": None, "errors": [self._error(row)]}
            for index, row in enumerate(rows)
            if str(row["id"]) in self.bad_ids
        ]
        self.stored += [row for row in rows if str(row["id"]) not in self.bad_ids]
        return {
            "batch": f"batch-{len(self.receipts)}",
            "table": "hiring.things",
            "received": len(rows) + self.miscount,
            "inserted": len(rows) - len(rejections),
            "updated": 0,
            "ignored": 0,
            "rejected": len(rejections),
            "duration_ms": 1.5,
            "rejections": rejections[::-1],  # a client may not rely on their order
        }

    def _error(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"code": "bad_value", "column": "id", "message": "bad; id", "value": row["id"]}


def read_rows(request: Request) -> list[dict[str, Any]]:
    """Return a body's rows as objects."""
    text = request.body.decode()
    if request.content_type == "application/json":
        rows: list[dict[str, Any]] = json.loads(text)
        return rows
    if request.content_type == "application/x-ndjson":
        return [json.loads(line) for line in text.splitlines()]
    names = ["id", "name"] if request.query.get("header") == ["absent"] else None
    return list(csv.DictReader(io.StringIO(text, newline=""), names, strict=True))


def problem(code: str, detail: str) -> dict[str, Any]:
    """Return a problem document."""
    return {"type": f"/docs/errors#{code}", "title": "No", "code": code, "detail": detail}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: StandIn

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/api/tables/things":
            described = {"columns": self.standin.columns, "order": self.standin.order}
            self._answer(200, {"table": "hiring.things", **described})
        else:
            self._answer(404, problem("table_unknown", "There is no such table"))

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        request = Request(
            path=address.path,
            query=parse_qs(address.query),
            content_type=self.headers["Content-Type"],
            key=self.headers["Idempotency-Key"],
            body=self.rfile.read(int(self.headers["Content-Length"])),
        )
        with self.standin.lock:
            self.standin.requests.append(request)
            fault = self.standin.faults.pop(0) if self.standin.faults else ""
        if self.headers["Authorization"] != f"Api-Key {KEY}":
            self._answer(401, problem("key_invalid", "The API key is unknown"))
        elif fault in {"503", "429", "409"}:
            code = "idempotency_key_in_use" if fault == "409" else "unavailable"
            self._answer(int(fault), problem(code, "Not now"), {"Retry-After": "0"})
        elif fault == "drop":
            self._drop()
        elif self.standin.poison and self.standin.poison in request.body:
            self._answer(400, problem("bad_shape", "There is poison in it"))
        else:
            status, receipt = self.standin.take(request)
            if fault == "store_and_drop":
                self._drop()
            else:
                self._answer(status, receipt)

    def _drop(self) -> None:
        self.close_connection = True
        # A reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(
        self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(document).encode()
        kind = "application/json" if "title" not in document else "application/problem+json"
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away: tests make them."""


@contextmanager
def run_standin() -> Iterator[StandIn]:
    """Serve a stand-in on a free port."""
    standin = StandIn()
    handler = type("Handler", (_Handler,), {"standin": standin})
    with _Server(("127.0.0.1", 0), handler) as server:
        standin.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield standin
        finally:
            server.shutdown()
            thread.join()
