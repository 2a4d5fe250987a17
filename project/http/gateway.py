"""The ASGI application: the event loop collects a request, a thread of Django answers it.

A body is taken where the address takes one, from senders with a key that may call, and from others
up to a total: the key is looked at before. A request is given to a thread when its body is
complete: a slow or dead client holds no thread, and a body that was cut short is never taken for a
whole one. The threads are the same ones all the
time, so their database connections stay open. They send answers themselves, and do what clients
need not wait for afterwards.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from project.base.database import renew_connections
from project.base.errors import BadRequest, RowhouseError, TooLarge
from project.base.logs import AFTER_ANSWER
from project.base.metrics import count_refusal
from project.http.access.senders import (
    NO_BODY,
    Allowance,
    BodyRoute,
    check_sender,
    find_body_route,
    is_known,
)
from project.http.errors import BadLength, BodyLate
from project.http.middleware import protect
from project.http.problems import answer_refusal, log_database_error, problem
from project.http.threads import Threads

logger = logging.getLogger("rowhouse.request")

# A larger body is kept in a temporary file while it arrives and while it waits for a thread.
MEMORY_BYTES = 2 * 1024 * 1024
# Small pieces of a streamed answer are sent together.
PIECE_BYTES = 64 * 1024
# A client that takes longer for a piece is slow: half of the threads at most wait for such ones.
QUICK_S = 1.0

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[Any]]
GetResponse = Callable[[ASGIRequest], HttpResponseBase]
FindRoute = Callable[[str, str], BodyRoute]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request's body may cost, and all of those without a key together."""

    max_bytes: int
    timeout_s: float
    keyless_bytes: int


class Gateway:
    """An ASGI application that runs Django in a fixed number of threads.

    `get_response` is that of Django's synchronous handler. What a handler does before it is left
    out: addresses have no prefix here, and `request_started` is not sent (see project.asgi).
    """

    def __init__(
        self,
        get_response: GetResponse,
        *,
        threads: int,
        limits: Limits,
        find_route: FindRoute = find_body_route,
    ) -> None:
        self._get_response = get_response
        self._limits = limits
        self._allowance = Allowance(limits.keyless_bytes)
        self._find_route = find_route
        self._threads = Threads(threads, "request", patience_s=limits.timeout_s)
        self._waiting = threading.Semaphore(max(1, threads // 2))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other kinds of connections are not served."""
        if scope["type"] != "http":
            return
        try:
            await self._take(scope, receive, send)
        except RowhouseError as error:
            _send_whole(send, _refuse(scope, error))
            await _discard(receive, self._limits)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = _read_length(scope)
        route = self._find_route(scope["path"], scope["method"]) if announced != 0 else NO_BODY
        if not route.max_bytes:
            await self._answer(_make_request(scope, BytesIO(), 0), scope["path"], send)
            if announced != 0:
                await _discard(receive, self._limits)
            return
        limits = replace(self._limits, max_bytes=min(route.max_bytes, self._limits.max_bytes))
        with await self._admit(scope, route, limits, announced), _open_body(announced) as body:
            size = await _collect(receive, body, limits, announced)
            request = _make_request(scope, body, size)
            await self._answer(request, scope["path"], send)

    async def _answer(self, request: ASGIRequest, address: str, send: Send) -> None:
        loop = asyncio.get_running_loop()
        await self._threads.run(partial(self._respond, request, loop, send), _name_group(address))

    async def _admit(
        self, scope: Scope, route: BodyRoute, limits: Limits, announced: int | None
    ) -> AbstractContextManager[None]:
        """Return what is held while the body is here; raise where it is not taken."""
        if announced is not None and announced > limits.max_bytes:
            raise TooLarge(max_bytes=limits.max_bytes)
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        known = is_known(route, headers)
        if known is None:
            await self._threads.run(
                partial(_ask_for_key, route, headers), _name_group(scope["path"])
            )
        if known is not False:
            return nullcontext()
        return self._allowance.take(limits.max_bytes if announced is None else announced)

    def _respond(
        self, request: ASGIRequest, loop: asyncio.AbstractEventLoop, send: Send
    ) -> Callable[[], None]:
        """Send Django's answer from this thread; return what its client need not wait for."""
        later: list[Callable[[], None]] = []
        try:
            request.META[AFTER_ANSWER] = later
            response = self._get_response(request)
            if response.streaming:
                with closing(response):
                    for message in _stream_messages(response):
                        self._wait(asyncio.run_coroutine_threadsafe(_deliver(send, message), loop))
            else:
                later.append(response.close)
                _send_whole(send, cast("HttpResponse", response))
        except Exception:
            # The answer, if any of it was sent, ends here: the client sees it cut short.
            logger.exception("unexpected error")
            failure = "Something went wrong here"
            _send_whole(send, protect(problem(status=500, code="internal_error", detail=failure)))
        return partial(_finish, later)

    def _wait(self, sent: Future[None]) -> None:
        """Wait until the client took a piece; raise TimeoutError where others need the thread."""
        with suppress(TimeoutError):
            return sent.result(QUICK_S)
        if not self._waiting.acquire(blocking=False):
            sent.cancel()
            raise TimeoutError("a client that reads slowly, beside many others")
        try:
            return sent.result(self._limits.timeout_s)
        finally:
            self._waiting.release()


def _name_group(address: str) -> str:
    """Return an address as it is without datasets: a table may be named with its own."""
    return "/".join(part.rpartition(".")[2] for part in address.split("/"))


def _ask_for_key(route: BodyRoute, headers: Mapping[str, str]) -> Callable[[], None]:
    try:
        check_sender(route, headers)
    except DatabaseError as error:
        raise log_database_error(error) from error
    finally:
        renew_connections()
    return lambda: None


def _finish(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except Exception:
            logger.exception("unexpected error")


async def _deliver(send: Send, message: Message) -> None:
    await send(message)


def _read_length(scope: Scope) -> int | None:
    """Return the size of the request's body in bytes, None where it is not known yet."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length")
    if length is not None:
        return int(length)
    return None if b"transfer-encoding" in headers else 0


def _open_body(announced: int | None) -> IO[bytes]:
    is_small = announced is not None and announced <= MEMORY_BYTES
    return BytesIO() if is_small else SpooledTemporaryFile(max_size=MEMORY_BYTES)


async def _collect(receive: Receive, body: IO[bytes], limits: Limits, announced: int | None) -> int:
    """Write the request's body to a file, rewound; return its size in bytes."""
    try:
        async with asyncio.timeout(limits.timeout_s):
            size = await _copy(receive, body, limits, announced)
    except TimeoutError as error:
        raise BodyLate(f"The body did not arrive within {limits.timeout_s:g} s") from error
    body.seek(0)
    return size


async def _copy(receive: Receive, body: IO[bytes], limits: Limits, announced: int | None) -> int:
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BadLength("The body ended before it was complete.")
        size += len(message["body"])
        if size > limits.max_bytes:
            raise TooLarge(max_bytes=limits.max_bytes)
        body.write(message["body"])
        # Asking once more, only to hear that there was no more, took 0.05 ms.
        if size == announced or not message.get("more_body"):
            return size


async def _discard(receive: Receive, limits: Limits) -> None:
    """Read what a client is sending that was refused: most read the answer only afterwards."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limits.timeout_s):
            size = 0
            while size <= limits.max_bytes:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                size += len(message["body"])


def _make_request(scope: Scope, body: IO[bytes], size: int) -> ASGIRequest:
    """Return Django's request with the size of what was read as its length."""
    try:
        scope["query_string"].decode("ascii")
        request = ASGIRequest(scope, body)
    except ValueError as error:  # of a Content-Type with an unknown character set, too
        raise BadRequest("The request is not understood") from error
    if {"CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"} & request.META.keys():
        request.META["CONTENT_LENGTH"] = str(size)
    return request


def _send_whole(send: Send, response: HttpResponse) -> None:
    """Send an answer from any thread.

    granian's `send` does its part when it is called. What it returns is to be awaited only where
    the client has not taken yet what was sent before; of a whole answer there is no such part.
    """
    send(_start_message(response))
    send({"type": "http.response.body", "body": response.content})


def _stream_messages(response: HttpResponseBase) -> Iterator[Message]:
    yield _start_message(response)
    piece = bytearray()
    for part in cast("Iterator[bytes]", response):
        piece += part
        if len(piece) >= PIECE_BYTES:
            yield {"type": "http.response.body", "body": bytes(piece), "more_body": True}
            piece.clear()
    yield {"type": "http.response.body", "body": bytes(piece)}


def _start_message(response: HttpResponseBase) -> Message:
    headers = [(_write_name(name), value.encode("latin-1")) for name, value in response.items()]
    headers += [
        (b"set-cookie", cookie.output(header="").strip().encode("latin-1"))
        for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


@lru_cache(maxsize=256)
def _write_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


def _refuse(scope: Scope, error: RowhouseError) -> HttpResponse:
    answer = protect(answer_refusal(error))
    # What is left of the body would be taken for the next request.
    answer["Connection"] = "close"
    fields = {"method": scope["method"], "status": answer.status_code, "code": error.code}
    logger.info("request", extra=fields)
    count_refusal(scope["method"], answer.status_code)
    return answer
