"""A connection to a server that costs its client next to nothing."""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

MOST_BYTES = 64 * 1024  # read at once
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)

# Sends a request; returns the answer's status and text.
Call = Callable[[bytes], tuple[int, bytes]]


@contextmanager
def open_wire(host: str) -> Iterator[Call]:
    """Give a function that sends requests over one connection to `name:port`.

    The head of an answer is read for its status and length only: Python's own client takes it apart
    for as long as a database driver, which is in C, takes for everything.
    """
    name, port = host.split(":")
    with socket.create_connection((name, int(port))) as connection:

        def receive() -> bytes:
            received = connection.recv(MOST_BYTES)
            if not received:
                raise ConnectionError("the server has closed the connection")
            return received

        def call(request: bytes) -> tuple[int, bytes]:
            connection.sendall(request)
            answer = receive()
            while (end := answer.find(END_OF_HEAD)) < 0:
                answer += receive()
            length = LENGTH.search(answer, 0, end)
            start = end + len(END_OF_HEAD)
            whole = start + int(length[1]) if length else start
            while len(answer) < whole:
                answer += receive()
            return int(answer[9:12]), answer[start:]

        yield call


def write_post(address: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a POST request."""
    fields = {"Host": "localhost", **headers, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {address} HTTP/1.1\r\n{lines}\r\n".encode() + body
