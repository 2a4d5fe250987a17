"""HTTP caching and compression of answers: validators, 304, gzip."""

import re
from collections.abc import Iterator, Sequence

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from apis.covid.answers.envelope import COMMA, DATASET, Part, covid_config
from apis.covid.answers.tables import BuildStatus
from apis.covid.refresh.packing import Piece, count_joined, join, pack
from project.http.access.reading import are_public
from project.http.answers import in_pieces
from reports.api.caching import find_unmodified, make_etag, set_validators

JSON = "application/json"
# Larger answers are streamed.
WHOLE_BYTES = 1024 * 1024
# For text that is compressed for one answer only.
FAST_LEVEL = 4
_PACKED_COMMA = pack(COMMA)
_REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*$", re.IGNORECASE)


class ConditionalAnswer:
    """The answer to a request for something of one build, with its validators (RFC 9110)."""

    def __init__(self, request: Request, build: BuildStatus) -> None:
        self._request = request
        self._build = build
        self.is_gzip = accepts_gzip(request.headers.get("Accept-Encoding", ""))
        self._etag = make_etag(
            build.version,
            build.built_at,
            request.build_absolute_uri(),
            self.is_gzip,
            covid_config(),
        )

    def find_unmodified(self) -> HttpResponseBase | None:
        """Return the 304 (or 412) that the request's preconditions lead to."""
        found = find_unmodified(self._request._request, self._etag, self._build.built_at)
        return self.finish(found) if found is not None else None

    def send(self, parts: Sequence[Part]) -> HttpResponseBase:
        """Return the parts as one JSON answer."""
        if self.is_gzip:
            pieces = [_as_piece(part) for part in parts]
            response = self._respond(join(pieces), count_joined(pieces))
            response.headers["Content-Encoding"] = "gzip"
        else:
            size = sum(part.size if isinstance(part, Piece) else len(part) for part in parts)
            texts = (part.unpack() if isinstance(part, Piece) else part for part in parts)
            response = self._respond(texts, size)
        return self.finish(response)

    def _respond(self, texts: Iterator[bytes], size: int) -> HttpResponseBase:
        if size > WHOLE_BYTES:
            if self._request.method == "HEAD":
                texts = iter(())
            response: HttpResponseBase = StreamingHttpResponse(in_pieces(texts), content_type=JSON)
        else:
            response = HttpResponse(b"".join(texts), content_type=JSON)
        response.headers["Content-Length"] = str(size)
        return response

    def finish(self, response: HttpResponseBase) -> HttpResponseBase:
        """Set the answer's validators, Cache-Control and Vary headers."""
        is_public = are_public((DATASET,))
        set_validators(response, self._etag, self._build.built_at)
        audience = "public" if is_public else "private"
        response.headers["Cache-Control"] = f"{audience}, max-age={covid_config().cache_s}"
        patch_vary_headers(response, ["Accept-Encoding"])
        if not is_public:
            patch_vary_headers(response, ["Authorization"])
        return response


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3)."""
    by_name = {}
    for item in header.split(","):
        name, _, _ = item.partition(";")
        by_name[name.strip().lower()] = not _REFUSED.search(item)
    return by_name.get("gzip", by_name.get("*", False))


def _as_piece(part: Part) -> Piece:
    if isinstance(part, Piece):
        return part
    return _PACKED_COMMA if part is COMMA else pack(part, FAST_LEVEL)
