"""The HTTP client of the ingest endpoint: a batch is sent until it is answered for good."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from ingest.loaders.connection import Connections, Response
from ingest.loaders.responses import (
    Problem,
    Receipt,
    ReplaySummary,
    TableDescription,
    TablePage,
)
from ingest.loaders.retries import Failure, OnWait, RetryPolicy, is_transient, read_retry_after
from project.base.errors import RowhouseError

# Longer than the service itself lets a statement run or wait for a lock.
TIMEOUT_S = 90.0

_Struct = TypeVar("_Struct", bound=msgspec.Struct)

# 422 is a receipt too: of a batch whose rows were all rejected.
_ANSWERED = frozenset({200, 201, 207, 422})
# What another try would not change: a name that does not resolve, a certificate that is not valid.
_PERMANENT = (socket.gaierror, ssl.SSLCertVerificationError)
# Errors before a request was sent: it cannot have had an effect.
_UNSENT = (ConnectionRefusedError, *_PERMANENT)


class ServiceRefused(RowhouseError):
    """The service refuses the request; its own code and detail say why."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message, status=status)
        self.code = code


class Undelivered(RowhouseError):
    """A request was not answered for good; in doubt: the service may have acted on it."""

    def __init__(self, message: str | None = None, *, in_doubt: bool) -> None:
        super().__init__(message)
        self.in_doubt = in_doubt


class ServiceUnreachable(Undelivered):
    """The service did not answer in all the time it was given."""

    code = "service_unreachable"


class KeyUnusable(RowhouseError):
    """The API key has characters that no key has."""

    code = "key_unusable"


class SendingStopped(Undelivered):
    """The request was given up before it was answered, because sending was stopped."""

    code = "sending_stopped"


class IngestClient(AbstractContextManager["IngestClient"]):
    """A client of one Rowhouse service; its methods may be called from several threads."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        timeout_s: float = TIMEOUT_S,
        on_wait: OnWait | None = None,
    ) -> None:
        if not (key.isascii() and key.isprintable()):
            raise KeyUnusable
        self._url = url
        self._connections = Connections(url, timeout_s=timeout_s)
        self._headers = {"Authorization": f"Api-Key {key}"}
        self._retry = retry
        self._on_wait = on_wait
        self._stopped = threading.Event()

    def __exit__(self, *exception: object) -> None:
        self._connections.close()

    def send_batch(
        self,
        table: str,
        body: bytes,
        content_type: str,
        idempotency_key: str,
        params: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Receipt:
        """Send a batch, again where its outcome is not known, and return its receipt.

        The idempotency key keeps rows from being stored twice. Raises `ServiceRefused`,
        `ServiceUnreachable` or `SendingStopped`.
        """
        headers = {"Content-Type": content_type, "Idempotency-Key": idempotency_key}
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        path = f"/api/ingest/{quote(table, safe='')}{query}"
        return _decode(self._send("POST", path, headers, body), Receipt)

    def describe_table(self, table: str) -> TableDescription:
        """Return the table's columns; raises as `send_batch` does."""
        path = f"/api/tables/{quote(table, safe='')}"
        return _decode(self._send("GET", path, {}, None), TableDescription)

    def list_tables(self) -> list[str]:
        """Return the names of the tables that the key may read; raises as `send_batch` does."""
        names: list[str] = []
        query: str | None = ""
        while query is not None:
            page = _decode(self._send("GET", f"/api/tables?{query}", {}, None), TablePage)
            names += [each.table for each in page.results]
            query = urlsplit(page.next).query if page.next else None
        return names

    def replay(self, filters: Mapping[str, str]) -> Iterator[ReplaySummary]:
        """Have the open rejections that the filters name tried again; raises as `send_batch` does.

        A row is stored at most once, however often it is asked for.
        """
        query: str | None = urlencode(filters)
        while query is not None:
            answer = self._send("POST", f"/api/rejections/replay?{query}", {}, b"")
            summary = _decode(answer, ReplaySummary)
            yield summary
            query = urlsplit(summary.next).query if summary.next else None

    def stop(self) -> None:
        """Send nothing new and nothing again: waiting calls raise `SendingStopped`."""
        self._stopped.set()

    def abort(self) -> None:
        """Stop, and break the requests that are being answered: their outcome stays unknown."""
        self.stop()
        self._connections.abort()

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        outcome = self._retry.retry(
            lambda: self._try(method, path, {**self._headers, **headers}, body),
            self._on_wait,
            self._stopped,
        )
        if isinstance(outcome, Response):
            return outcome
        if self._stopped.is_set():
            raise SendingStopped(in_doubt=outcome.in_doubt)
        raise ServiceUnreachable(outcome.reason, in_doubt=outcome.in_doubt)

    def _try(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response | Failure:
        try:
            response = self._connections.send(method, path, headers, body)
        except (OSError, http.client.HTTPException) as error:
            return Failure(
                f"no answer from {self._url} ({error or type(error).__name__})",
                in_doubt=not isinstance(error, _UNSENT),
                is_permanent=isinstance(error, _PERMANENT),
            )
        problem = _read_problem(response)
        if is_transient(response.status, problem.code):
            reason = f"the service answers {response.status}: {problem.detail}"
            return Failure(reason, asked_s=read_retry_after(response.headers.get("Retry-After")))
        return response


def _decode(response: Response, kind: type[_Struct]) -> _Struct:
    if response.status in _ANSWERED and not _is_problem(response):
        try:
            return msgspec.json.decode(response.body, type=kind)
        except msgspec.DecodeError as error:
            raise ServiceRefused(
                f"The answer is not Rowhouse's: {error}",
                code="answer_unknown",
                status=response.status,
            ) from error
    problem = _read_problem(response)
    raise ServiceRefused(
        f"{problem.code}: {problem.detail}", code=problem.code, status=response.status
    )


def _is_problem(response: Response) -> bool:
    return response.headers.get_content_type() == "application/problem+json"


def _read_problem(response: Response) -> Problem:
    """Return the problem document, or what the status alone says."""
    if _is_problem(response):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(response.body, type=Problem)
    phrase = http.client.responses.get(response.status, "an unknown status")
    return Problem(code=f"http_{response.status}", detail=f"the answer is {phrase}")
