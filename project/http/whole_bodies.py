"""Chunked request bodies under WSGI servers: collected, for Django reads by Content-Length."""

from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.core.handlers.wsgi import WSGIHandler

MEMORY_BYTES = 256 * 1024


class WholeBodies:
    """A WSGI application that gives Django a chunked body with its length."""

    def __init__(self, handler: WSGIHandler, *, max_bytes: int) -> None:
        self._handler = handler
        self._max_bytes = max_bytes

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request; one byte more than is taken shows that a body is too large."""
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH")
        if not (is_chunked and environ.get("wsgi.input_terminated")):
            return self._handler(environ, start_response)
        with SpooledTemporaryFile(max_size=MEMORY_BYTES) as body:
            size = _copy(environ["wsgi.input"], body, self._max_bytes + 1)
            body.seek(0)
            collected = {"CONTENT_LENGTH": str(size), "wsgi.input": body}
            return self._handler({**environ, **collected}, start_response)


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> int:
    """Copy a stream up to a number of bytes; return how many there were."""
    size = 0
    while chunk := source.read(min(MEMORY_BYTES, most - size)):
        target.write(chunk)
        size += len(chunk)
    return size
