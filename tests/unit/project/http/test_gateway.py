"""The gateway between the server's event loop and Django's threads."""

import asyncio
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from project.base.logs import AFTER_ANSWER
from project.http.access.senders import NO_BODY, BodyRoute
from project.http.gateway import Gateway, Limits
from project.models import Scope

Messages = list[dict[str, Any]]
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/é",
    "query_string": b"a=1",
    "http_version": "1.1",
    "headers": [(b"transfer-encoding", b"chunked")],
}
ANYBODY = BodyRoute(max_bytes=10)
END = {"type": "http.request", "body": b"", "more_body": False}


class Taken:
    """What a server's `send` returns where the client has taken all that was sent."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


def run(
    handler: Any,
    *messages: dict[str, Any],
    sent: Messages | None = None,
    route: BodyRoute = ANYBODY,
    **changes: Any,
) -> Messages:
    """Return what the gateway sends; after the given messages the client stays silent."""
    incoming = list(messages)
    sent = [] if sent is None else sent

    async def receive() -> dict[str, Any]:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop(0)

    def send(message: dict[str, Any]) -> Taken:
        sent.append(message)
        return Taken()

    limits = Limits(max_bytes=10, timeout_s=0.2, keyless_bytes=10)
    gateway = Gateway(handler, threads=1, limits=limits, find_route=lambda address, method: route)
    asyncio.run(gateway(SCOPE | changes, receive, send))
    return sent


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.META['CONTENT_LENGTH']} {request.body!r}")


def part(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": True}


def code(sent: Messages) -> tuple[int, str]:
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])["code"]


def test_a_body_reaches_django_whole_with_its_length() -> None:
    sent = run(echo, part(b"one "), part(b"two"), END)
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b"7 b'one two'"


def test_a_body_of_the_announced_length_is_whole_without_an_end() -> None:
    sent = run(echo, part(b"one "), part(b"two"), headers=[(b"content-length", b"7")])
    assert sent[1]["body"] == b"7 b'one two'"


def test_headers_reach_django_by_their_names() -> None:
    def tell(request: HttpRequest) -> HttpResponse:
        meta = request.META
        named = {name: meta[name] for name in sorted(meta) if name.startswith(("CONTENT", "HTTP_"))}
        return HttpResponse(repr((request.path, named, meta["REMOTE_ADDR"], request.get_port())))

    headers = [
        (b"content-type", b"text/csv"),
        (b"x-word", b"one"),
        (b"x-word", b"tw\xf6"),
    ]
    sent = run(tell, headers=headers, client=("10.0.0.1", 9), server=("127.0.0.1", 8000))
    named = {
        "CONTENT_TYPE": "text/csv",
        "HTTP_X_WORD": "one,twö",
    }
    assert sent[1]["body"].decode() == repr(("/é", named, "10.0.0.1", "8000"))


@pytest.mark.parametrize(
    "name",
    ["x_forwarded_proto", "x_forwarded-for", "content_length", "content_type", "idempotency_key"],
)
def test_a_name_with_an_underscore_does_not_pass_for_one_with_a_hyphen(name: str) -> None:
    def tell(request: HttpRequest) -> HttpResponse:
        return HttpResponse(repr([key for key in request.META if key.endswith(variable)]))

    variable = name.upper().replace("-", "_")
    sent = run(tell, headers=[(name.encode(), b"https")])
    assert sent[1]["body"] == b"[]"


def test_a_query_is_utf_8_whatever_the_body_is_written_in() -> None:
    def tell(request: HttpRequest) -> HttpResponse:
        return HttpResponse(repr(request.GET.dict()))

    headers = [(b"content-type", b"text/csv; charset=utf-16"), (b"content-length", b"0")]
    sent = run(tell, headers=headers, query_string=b"on_conflict=%C3%A9")
    assert sent[1]["body"].decode() == repr({"on_conflict": "é"})


def test_a_body_that_does_not_come_is_answered_408() -> None:
    assert code(run(echo, part(b"one"))) == (408, "request_timeout")


def test_a_body_that_ends_early_is_answered_400() -> None:
    assert code(run(echo, part(b"one"), {"type": "http.disconnect"})) == (400, "bad_length")


def test_a_body_of_the_most_bytes_is_taken_and_one_more_is_not() -> None:
    assert run(echo, part(b"x" * 10), END)[0]["status"] == 200
    assert code(run(echo, part(b"x" * 10), part(b"x"), END)) == (413, "too_large")


def test_nothing_is_read_where_no_body_is_taken() -> None:
    headers = [(b"content-length", b"7")]
    sent = run(echo, part(b"one "), part(b"two"), route=NO_BODY, headers=headers)
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"0 b''")


def test_nothing_is_read_without_the_key_that_an_address_needs() -> None:
    route = BodyRoute(max_bytes=10, scopes=(Scope.INGEST,))
    assert code(run(echo, part(b"x"), route=route)) == (401, "key_required")


def test_bodies_without_a_key_have_a_total() -> None:
    async def talk() -> None:
        limits = Limits(max_bytes=10, timeout_s=600, keyless_bytes=15)
        handler: Any = echo
        gateway = Gateway(handler, threads=1, limits=limits, find_route=lambda *_: ANYBODY)
        never = asyncio.Event()
        sent: Messages = []

        async def stall() -> dict[str, Any]:
            await never.wait()
            return END

        async def receive() -> dict[str, Any]:
            return END

        def send(message: dict[str, Any]) -> Taken:
            sent.append(message)
            return Taken()

        waiting = asyncio.create_task(gateway(SCOPE, stall, send))
        await asyncio.sleep(0)
        await gateway(SCOPE, receive, send)
        assert code(sent) == (503, "unavailable")
        assert (b"retry-after", b"1") in sent[0]["headers"]
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        sent.clear()
        await gateway(SCOPE, receive, send)
        assert sent[0]["status"] == 200

    asyncio.run(talk())


def test_a_refusal_closes_the_connection() -> None:
    sent = run(echo, headers=[(b"content-length", b"11")])
    assert code(sent) == (413, "too_large")
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_query_that_is_not_ascii_is_refused() -> None:
    assert code(run(echo, END, query_string="é".encode())) == (400, "bad_request")


def test_a_media_type_in_an_unknown_character_set_is_refused() -> None:
    headers = [(b"content-length", b"0"), (b"content-type", b"text/csv; charset*=no-such''x")]
    assert code(run(echo, headers=headers)) == (400, "bad_request")


def test_an_error_of_the_handler_is_answered_500() -> None:
    def fail(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    assert code(run(fail, END)) == (500, "internal_error")


def test_small_pieces_of_a_stream_are_sent_together_and_it_is_closed() -> None:
    closed = []

    class Stream(StreamingHttpResponse):
        def close(self) -> None:
            closed.append(True)
            super().close()

    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 1000] * 100

    sent = run(lambda request: Stream(pieces()), END)
    bodies = [message["body"] for message in sent[1:]]
    assert len(bodies) == 2
    assert sum(map(len, bodies)) == 100_000
    assert [message.get("more_body", False) for message in sent[1:]] == [True, False]
    assert closed == [True]


def test_what_a_client_need_not_wait_for_is_done_when_the_answer_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: Messages = []
    sent_before: list[int] = []
    is_closed = threading.Event()

    class Answer(HttpResponse):
        def close(self) -> None:
            sent_before.append(len(sent))
            super().close()
            is_closed.set()

    def fail() -> None:
        raise ZeroDivisionError

    def handle(request: HttpRequest) -> HttpResponse:
        request.META[AFTER_ANSWER].append(fail)
        return Answer("here")

    assert run(handle, END, sent=sent)[1]["body"] == b"here"
    assert is_closed.wait(60)
    assert sent_before == [2]
    assert [record.message for record in caplog.records] == ["unexpected error"]


def test_cookies_are_sent() -> None:
    response = HttpResponse()
    response.set_cookie("a", "b")
    sent = run(lambda request: response, END)
    assert (b"set-cookie", b"a=b; Path=/") in sent[0]["headers"]


def test_clients_that_read_slowly_keep_half_of_the_threads_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("project.http.gateway.QUICK_S", 0.05)

    def handle(request: HttpRequest) -> HttpResponseBase:
        is_stream = request.META["QUERY_STRING"] == "stream"
        return StreamingHttpResponse([b"x"]) if is_stream else HttpResponse("here")

    handler: Any = handle

    async def receive() -> dict[str, Any]:
        return END

    async def talk() -> None:
        limits = Limits(max_bytes=10, timeout_s=600, keyless_bytes=100)
        gateway = Gateway(handler, threads=4, limits=limits, find_route=lambda *_: ANYBODY)
        reads_on = asyncio.Event()
        whole: list[list[int]] = []

        async def read_slowly() -> None:
            statuses: list[int] = []

            def send(message: dict[str, Any]) -> Any:
                if "status" not in message:
                    return reads_on.wait() if statuses == [200] else Taken()
                statuses.append(message["status"])
                return Taken()

            await gateway(SCOPE | {"query_string": b"stream"}, receive, send)
            whole.append(statuses)

        slow = [asyncio.create_task(read_slowly()) for _ in range(6)]
        while sum(task.done() for task in slow) < 4:  # those for whom no thread waits
            undone = [task for task in slow if not task.done()]
            await asyncio.wait(undone, return_when=asyncio.FIRST_COMPLETED)
        assert whole == [[200, 500]] * 4
        answered: Messages = []

        def send(message: dict[str, Any]) -> Taken:
            answered.append(message)
            return Taken()

        await gateway(SCOPE, receive, send)
        assert answered[1]["body"] == b"here"
        assert sum(task.done() for task in slow) == 4
        reads_on.set()
        await asyncio.gather(*slow)
        assert whole[4:] == [[200], [200]]

    asyncio.run(talk())
