"""Request bodies over a socket: chunked, cut short, too large, without a length."""

import io
import json
import socket
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction

from project.http.middleware import WholeBodies
from tests.api.sending import execute, stored
from tests.conftest import KeyMaker
from tests.waiting import PATIENCE_S

ROW = b'[{"department_id": 1, "department_name": "Sales"}]'
CSV = b"department_id,department_name\n1,Sales\n2,Parks\n"
WRITERS = """
SELECT pid FROM pg_stat_activity WHERE usename = 'ingest_writer' AND datname = current_database()
"""


class Wire:
    """One connection, on which bytes are sent as they are."""

    def __init__(self, server: str, key: str) -> None:
        address = urlsplit(server)
        assert address.hostname is not None
        assert address.port is not None
        self.socket = socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S)
        self.key = key

    def send(self, *headers: str, body: bytes = b"", table: str = "departments") -> None:
        lines = [
            f"POST /api/ingest/{table} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Api-Key {self.key}",
            *headers,
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def answer(self) -> tuple[int, dict[str, object]]:
        """Return status and JSON of one answer."""
        file = self.socket.makefile("rb")
        status = int(file.readline().split()[1])
        length = 0
        while line := file.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, json.loads(file.read(length) or b"{}")


@pytest.fixture
def wire(server: str, api_key: KeyMaker) -> Wire:
    return Wire(server, api_key("ingest", "read"))


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def stored_departments() -> list[object]:
    return stored("SELECT department_id FROM hiring.departments ORDER BY 1")


def test_takes_a_chunked_body(wire: Wire) -> None:
    body = chunks(ROW[:7], ROW[7:]) + b"0\r\n\r\n"
    wire.send("Content-Type: application/json", "Transfer-Encoding: chunked", body=body)
    status, receipt = wire.answer()
    assert (status, receipt["inserted"]) == (201, 1)
    assert stored_departments() == [(1,)]


def test_takes_a_body_after_saying_that_it_may_come(wire: Wire) -> None:
    wire.send(
        "Content-Type: application/json", f"Content-Length: {len(ROW)}", "Expect: 100-continue"
    )
    assert wire.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.socket.sendall(ROW)
    assert wire.answer()[0] == 201


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Transfer-Encoding: chunked"], chunks(CSV[:-8])),
        (["Transfer-Encoding: chunked"], chunks(CSV[:-8]) + b"nonsense\r\n"),
        ([f"Content-Length: {len(CSV)}"], CSV[:-8]),
    ],
    ids=["chunked", "bad chunk", "length"],
)
def test_stores_nothing_of_a_body_that_was_cut_short(
    wire: Wire, headers: list[str], body: bytes
) -> None:
    wire.send("Content-Type: text/csv", *headers, body=body)
    wire.socket.shutdown(socket.SHUT_WR)
    status, problem = wire.answer()
    assert (status, problem["code"]) == (400, "bad_length")
    assert stored_departments() == []


def test_a_body_larger_than_allowed_is_refused_before_it_has_come(wire: Wire) -> None:
    limit = settings.CONFIG.ingest.max_bytes
    wire.send("Content-Type: application/json", f"Content-Length: {limit + 1}")
    status, problem = wire.answer()
    assert (status, problem["code"], problem["max_bytes"]) == (413, "too_large", limit)


def test_a_chunked_body_is_refused_once_it_is_too_large(wire: Wire) -> None:
    piece = b" " * 1_000_000
    wire.send("Content-Type: application/json", "Transfer-Encoding: chunked")
    sent = 0
    try:
        while sent <= settings.CONFIG.ingest.max_bytes + 1_000_000:
            wire.socket.sendall(chunks(piece))
            sent += len(piece)
    except ConnectionError:
        pass  # the service has closed: its answer is there all the same
    status, problem = wire.answer()
    assert (status, problem["code"]) == (413, "too_large")


@pytest.mark.parametrize("length", ["abc", "-1", "+5", "5, 6", "9" * 30])
def test_a_length_that_is_no_number_is_refused(wire: Wire, length: str) -> None:
    wire.send("Content-Type: application/json", f"Content-Length: {length}")
    assert wire.answer()[0] == 400


def test_a_body_without_a_length_is_asked_for_it(wire: Wire) -> None:
    wire.send("Content-Type: application/json")
    status, problem = wire.answer()
    assert (status, problem["code"]) == (411, "length_required")


def test_headers_that_are_too_long_are_refused(wire: Wire) -> None:
    wire.send(f"X-Long: {'x' * 600_000}")
    assert wire.answer()[0] == 431


@pytest.mark.parametrize(
    ("scopes", "expected"), [((), (401, "key_invalid")), (("read",), (403, "scope_missing"))]
)
def test_a_key_that_may_not_ingest_is_refused_before_the_body_has_come(
    server: str, api_key: KeyMaker, scopes: tuple[str, ...], expected: tuple[int, str]
) -> None:
    wire = Wire(server, api_key(*scopes) if scopes else "no.key")
    wire.send("Content-Type: application/json", "Content-Length: 1000000", body=b"[")
    status, problem = wire.answer()
    assert (status, problem["code"]) == expected


def test_a_whole_body_with_a_bad_key_is_answered(server: str) -> None:
    body = b"x" * 4_000_000
    wire = Wire(server, "no.key")
    wire.send("Content-Type: application/json", f"Content-Length: {len(body)}", body=body)
    status, problem = wire.answer()
    assert (status, problem["code"]) == (401, "key_invalid")


def test_an_address_that_takes_no_body_answers_before_it_has_come(wire: Wire) -> None:
    wire.socket.sendall(
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n"
    )
    status, problem = wire.answer()
    assert (status, problem["code"]) == (405, "method_not_allowed")


def test_stalled_clients_do_not_keep_others_waiting(
    server: str, api_key: KeyMaker, wire: Wire
) -> None:
    stalled = [Wire(server, wire.key) for _ in range(settings.CONFIG.http.threads * 3)]
    for other in stalled:
        other.send("Content-Type: application/json", "Content-Length: 1000", body=b"[")
    wire.send("Content-Type: application/json", f"Content-Length: {len(ROW)}", body=ROW)
    assert wire.answer()[0] == 201
    for other in stalled:
        other.socket.close()


def test_batches_that_wait_for_a_locked_table_leave_threads_for_others(
    server: str, wire: Wire
) -> None:
    waiting = [Wire(server, wire.key) for _ in range(20)]
    headers = "Content-Type: application/json"
    with transaction.atomic():
        execute("LOCK TABLE hiring.departments")
        for number, other in enumerate(waiting):
            table = "departments" if number % 2 else "hiring.departments"
            row = f'[{{"department_id": {number}, "department_name": "Sales"}}]'.encode()
            other.send(headers, f"Content-Length: {len(row)}", body=row, table=table)
        job = b'[{"job_id": 1, "job_name": "Clerk"}]'
        wire.send(headers, f"Content-Length: {len(job)}", body=job, table="jobs")
        assert wire.answer()[0] == 201
        assert stored_departments() == []
    assert {other.answer()[0] for other in waiting} == {201}


def test_no_connection_to_the_database_is_opened_for_a_request(wire: Wire) -> None:
    threads = settings.CONFIG.http.threads
    before = set(stored(WRITERS))  # perhaps of threads that were idle too long and ended
    seen = set()
    for _ in range(threads * 6):
        wire.send("Content-Type: application/json", "Content-Length: 2", body=b"[]")
        assert wire.answer()[0] == 400
        seen |= set(stored(WRITERS))
    # Each thread keeps two: with the triggers that check foreign keys, and without.
    assert seen
    assert len(seen - before) <= 2 * threads


def test_chunked_bodies_arrive_under_other_servers_too(api_key: KeyMaker) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/ingest/departments",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_AUTHORIZATION": f"Api-Key {api_key('ingest')}",
        "wsgi.input": io.BytesIO(ROW),
        "wsgi.input_terminated": True,
    }
    statuses = []
    application = WholeBodies(WSGIHandler(), max_bytes=1000)
    answer = application(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["201 Created"], b"".join(answer)
    assert stored_departments() == [(1,)]
