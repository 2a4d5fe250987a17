"""The reader of request bodies."""

import gzip
from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest

from project.base.errors import TooLarge, UnsupportedMediaType
from project.http.body import CHUNK_BYTES, read_body, read_optional_body
from project.http.errors import BadLength, GzipBad, LengthRequired

PACKED = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0)


def make_request(body: bytes, **headers: str) -> ASGIRequest:
    announced = {"Content-Length": str(len(body))} if body else {}
    named = [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in (announced | headers).items()
    ]
    return ASGIRequest({"method": "POST", "path": "/", "headers": named}, BytesIO(body))


def test_a_body_of_many_chunks_is_read_whole() -> None:
    body = b"x" * CHUNK_BYTES * 3 + b"y"
    assert read_body(make_request(body), max_bytes=len(body)) == body


@pytest.mark.parametrize("encoding", ["gzip", " X-GZIP "])
def test_the_members_of_a_gzip_body_are_unpacked(encoding: str) -> None:
    request = make_request(PACKED, **{"Content-Encoding": encoding})
    assert read_body(request, max_bytes=1000) == b"one two"


@pytest.mark.parametrize(
    ("body", "headers", "error"),
    [
        (b"x" * 51, {}, TooLarge),
        (b"x" * 51, {"Transfer-Encoding": "chunked"}, TooLarge),
        (gzip.compress(b"x" * 51, mtime=0), {"Content-Encoding": "gzip"}, TooLarge),
        (b"x", {"Content-Encoding": "br"}, UnsupportedMediaType),
        (b"x", {"Content-Encoding": "gzip"}, GzipBad),
        (PACKED[:-1], {"Content-Encoding": "gzip"}, GzipBad),
        (b"x", {"Content-Length": "+1"}, BadLength),
        (b"x", {"Content-Length": "²"}, BadLength),
        (b"x", {"Content-Length": "2"}, BadLength),
        (b"", {}, LengthRequired),
    ],
)
def test_a_body_is_refused(body: bytes, headers: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        read_body(make_request(body, **headers), max_bytes=50)


def test_a_request_without_a_body_may_be_right() -> None:
    assert read_optional_body(make_request(b""), max_bytes=10) == b""
    with pytest.raises(TooLarge):
        read_optional_body(make_request(b"x" * 11), max_bytes=10)
