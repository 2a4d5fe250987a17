"""Requests on their way from the server's event loop to Django's threads and back (ASGI to WSGI).

A body is collected on the event loop and its request given to a thread when it is complete: a slow
or dead client holds no thread, and a body that was cut short is never taken for a whole one. The
threads are the same ones all the time, so their database connections stay open.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from asgiref.wsgi import WsgiToAsgiInstance
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from project.content_policy import protect
from project.errors import RowhouseError
from project.metrics import count_refusal
from project.problems import answer_refusal, problem, register_status

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
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request's body may cost."""

    max_bytes: int
    timeout_s: float


class BodyRefused(RowhouseError):
    """The request's body cannot be taken."""

    code = "bad_request"


class BodyTooLarge(BodyRefused):
    """The body is larger than the service takes at once."""

    code = "too_large"


class BodyIncomplete(BodyRefused):
    """The body ended before it was complete."""

    code = "bad_length"


class BodyLate(BodyRefused):
    """The body did not arrive in time."""

    code = "request_timeout"


register_status(BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
register_status(BodyLate, HTTPStatus.REQUEST_TIMEOUT)


class Gateway:
    """An ASGI application that runs Django in a fixed number of threads."""

    def __init__(self, handler: WSGIHandler, *, threads: int, limits: Limits) -> None:
        self._handler = handler
        self._limits = limits
        # A request is given to the thread that was idle for the shortest time: what its database
        # connection has planned and cached is warm, where taking turns would cool all of them.
        self._idle = [
            ThreadPoolExecutor(1, thread_name_prefix=f"request-{number}")
            for number in range(threads)
        ]
        self._places = asyncio.Semaphore(threads)
        self._waiting = threading.Semaphore(max(1, threads // 2))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other kinds of connections are not served."""
        if scope["type"] != "http":
            return
        with SpooledTemporaryFile(max_size=MEMORY_BYTES) as body:
            try:
                size = await _collect(scope, receive, body, self._limits)
                environ = _build_environ(scope, body, size)
            except BodyRefused as error:
                await _send_whole(send, _refuse(scope, error))
                return
            async with self._places:
                thread = self._idle.pop()
                try:
                    await self._run(thread, environ, send)
                finally:
                    self._idle.append(thread)

    async def _run(self, thread: ThreadPoolExecutor, environ: dict[str, Any], send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(thread, self._respond, environ, loop, send)
        except Exception:
            # The answer, if any of it was sent, ends here: the client sees it cut short.
            logger.exception("unexpected error")
            failure = "Something went wrong here"
            answer = protect(problem(status=500, code="internal_error", detail=failure))
        if answer is not None:
            await _send_whole(send, answer)

    def _respond(
        self, environ: dict[str, Any], loop: asyncio.AbstractEventLoop, send: Send
    ) -> HttpResponse | None:
        """Return Django's answer; None where it was a stream and has been sent."""
        response = self._handler(environ, _ignore_start)
        try:
            if not response.streaming:
                return cast("HttpResponse", response)
            for message in _stream_messages(response):
                self._wait(asyncio.run_coroutine_threadsafe(_deliver(send, message), loop))
        finally:
            response.close()
        return None

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


def _ignore_start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
    """Do nothing where WSGI would start an answer: Django's response object has all of it."""


async def _deliver(send: Send, message: Message) -> None:
    await send(message)


async def _collect(scope: Scope, receive: Receive, body: IO[bytes], limits: Limits) -> int:
    """Write the request's body to a file, rewound; return its size in bytes."""
    announced = _header(scope, b"content-length")
    if announced is None and _header(scope, b"transfer-encoding") is None:
        return 0
    if announced is not None and int(announced) > limits.max_bytes:
        raise BodyTooLarge(max_bytes=limits.max_bytes)
    try:
        async with asyncio.timeout(limits.timeout_s):
            size = await _copy(receive, body, limits)
    except TimeoutError as error:
        raise BodyLate(f"The body did not arrive within {limits.timeout_s:g} s") from error
    body.seek(0)
    return size


async def _copy(receive: Receive, body: IO[bytes], limits: Limits) -> int:
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BodyIncomplete
        size += len(message["body"])
        if size > limits.max_bytes:
            raise BodyTooLarge(max_bytes=limits.max_bytes)
        body.write(message["body"])
        if not message.get("more_body"):
            return size


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)


def _build_environ(scope: Scope, body: IO[bytes], size: int) -> dict[str, Any]:
    builder = WsgiToAsgiInstance(None)
    builder.scope = scope
    try:
        environ: dict[str, Any] = builder.build_environ(scope, body)
    except ValueError as error:
        raise BodyRefused("The request is not understood") from error
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["CONTENT_LENGTH"] = str(size)
    return environ


async def _send_whole(send: Send, response: HttpResponse) -> None:
    await send(_start_message(response))
    await send({"type": "http.response.body", "body": response.content})


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
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.items()
    ]
    headers += [
        (b"set-cookie", cookie.output(header="").strip().encode("latin-1"))
        for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


def _refuse(scope: Scope, error: BodyRefused) -> HttpResponse:
    answer = protect(answer_refusal(error))
    # What is left of the body would be taken for the next request.
    answer["Connection"] = "close"
    fields = {"method": scope["method"], "status": answer.status_code, "code": error.code}
    logger.info("request", extra=fields)
    count_refusal(scope["method"], answer.status_code)
    return answer
