"""JSON answers, encoded by msgspec."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

if TYPE_CHECKING:  # the views' module reads the settings that name this one
    from rest_framework.views import APIView

# Streamed answers are sent in pieces of about this size.
PIECE_BYTES = 65536

encode_json = msgspec.json.Encoder().encode


def answer_json(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return the value as a JSON answer; structs, dates, uuids and decimals are understood."""
    return HttpResponse(
        encode_json(value), status=status, headers=headers, content_type="application/json"
    )


def in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines together: an answer that is sent line by line takes a system call for each."""
    gathered: list[bytes] = []
    size = 0
    for line in lines:
        gathered.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(gathered)
            gathered.clear()
            size = 0
    if gathered:
        yield b"".join(gathered)


class IgnoreAccept(BaseContentNegotiation):
    """Ignore the Accept header: the `format` parameter chooses where there is a choice."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the first parser."""
        return parsers[0]

    def select_renderer(  # type: ignore[override]
        self, request: HttpRequest, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str | None]:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type


class AllowedMethods(BaseMetadata):
    """Answer OPTIONS with the methods of an address, as its Allow header does."""

    def determine_metadata(self, request: Request, view: "APIView") -> dict[str, list[str]]:
        """Return the methods."""
        return {"allow": view.allowed_methods}
