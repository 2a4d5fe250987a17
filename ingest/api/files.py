"""POST /api/files/inspect: what a file is, told by its bytes."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.errors import BodyEmpty
from ingest.files.formats import FileNotText, inspect_bytes
from ingest.files.inspection import Inspection
from ingest.files.sample import FileDamaged
from project.base.errors import BadParameter
from project.http.answers import answer_json
from project.http.body import BODY_ERRORS, read_body
from project.http.openapi import Errors, answers, parameter
from project.http.pagination import refuse_unknown
from project.models import Scope

_BINARY = {"type": "string", "format": "binary", "minLength": 1}
_NAME = parameter("name", "The file's name, for the answer")
_BYTES = parameter("bytes", "The size of the file, where the body is only its beginning")


class InspectView(APIView):
    """What a file is."""

    scopes = {"POST": Scope.INGEST}
    bodies = {"POST": settings.CONFIG.ingest.max_bytes}
    errors: Errors = {"POST": [*BODY_ERRORS, BadParameter, BodyEmpty, FileDamaged, FileNotText]}

    @extend_schema(
        summary="Inspect a file",
        parameters=[_NAME, _BYTES],
        request={"application/octet-stream": _BINARY},
        responses=answers({200: Inspection}),
    )
    def post(self, request: Request) -> HttpResponse:
        """Answer the file's format, dialect, header, columns and types, and what is wrong.

        The body is the file or its beginning, of any media type; nothing is stored. What the file
        does not tell is in `questions`, with the alternatives.
        """
        refuse_unknown(request.GET, frozenset({"name", "bytes"}))
        size = _read_size(request.GET.get("bytes"))
        body = read_body(request._request, max_bytes=settings.CONFIG.ingest.max_bytes)
        if not body:
            raise BodyEmpty
        is_whole = size is None or size <= len(body)
        name = request.GET.get("name", "")
        return answer_json(inspect_bytes(body, name, is_whole=is_whole))


def _read_size(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadParameter("bytes is a number", parameter="bytes")
    return int(text)
