"""Keep-alive HTTP connections, one for each thread that sends."""

import http.client
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from project.base.errors import RowhouseError


class AddressInvalid(RowhouseError):
    """The service's address is not a URL with http:// or https:// and a host."""

    code = "address_invalid"


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Connections:
    """Connections to one service, by `http.client`: it costs a quarter of httpx's CPU."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        try:
            address = urlsplit(url)
            port = address.port
        except ValueError as error:
            raise AddressInvalid(f"{url!r} is not a URL: {error}") from error
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise AddressInvalid(f"{url!r} is not a URL with http:// or https:// and a host")
        self._is_secure = address.scheme == "https"
        self._address = (address.hostname, port)
        self._path = address.path.rstrip("/")
        self._timeout_s = timeout_s
        self._own = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send a request over the thread's own connection and return its response.

        Raises OSError or `http.client.HTTPException`; the next request opens a new connection.
        """
        connection = self._connection()
        try:
            # A service may answer, and close, before it has read the body.
            with suppress(BrokenPipeError):
                connection.request(method, self._path + path, body, dict(headers))
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())
        except BaseException:
            connection.close()
            raise

    def abort(self) -> None:
        """Break the requests that other threads are waiting for."""
        for connection in self._all:
            with suppress(AttributeError, OSError):  # it has no socket, or a closed one
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections; no thread may be sending."""
        for connection in self._all:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
            connection = kind(*self._address, timeout=self._timeout_s)
            self._own.connection = connection
            self._all.append(connection)
        return connection
