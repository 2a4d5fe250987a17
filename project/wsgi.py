"""The WSGI application, for servers other than granian (project.asgi is what `up` serves)."""

import os
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
os.environ.setdefault("ROWHOUSE_ROLE", "service")

handler = get_wsgi_application()

from django.conf import settings  # noqa: E402 - the settings are readable from here on

MEMORY_BYTES = 256 * 1024


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request; a chunked body is collected first, for Django reads by its length."""
    if environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
        return handler(environ, start_response)
    with SpooledTemporaryFile(max_size=MEMORY_BYTES) as body:
        size = _copy(environ["wsgi.input"], body, settings.CONFIG.ingest.max_bytes + 1)
        body.seek(0)
        length = {"CONTENT_LENGTH": str(size)} if "HTTP_TRANSFER_ENCODING" in environ else {}
        return handler({**environ, **length, "wsgi.input": body}, start_response)


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> int:
    """Copy a stream up to a number of bytes; return how many there were."""
    size = 0
    while chunk := source.read(min(MEMORY_BYTES, most - size)):
        target.write(chunk)
        size += len(chunk)
    return size
