"""The bodies of requests under /api/backups."""

from typing import Any, TypeVar

import msgspec
from drf_spectacular.utils import OpenApiExample, OpenApiRequest
from rest_framework.request import Request

from backups.avro.codecs import Codec
from backups.restore.plan import Mode
from ingest.errors import BadShape, JsonSyntax
from ingest.outcome import OnConflict
from project.http.body import BODY_ERRORS, read_optional_body
from project.http.openapi import reference

MAX_BODY_BYTES = 1 << 20

# What can be wrong with a body of options.
OPTIONS_ERRORS = (*BODY_ERRORS, JsonSyntax, BadShape)


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class BackupBody(_Body, frozen=True):
    """POST /api/backups."""

    tables: list[str] = []
    codec: Codec | None = None


class VerifyBody(_Body, frozen=True):
    """POST /api/backups/{id}/verify; `restore` proves it by a restore into a scratch schema."""

    restore: bool = False


class RestoreBody(_Body, frozen=True):
    """POST /api/backups/{id}/restore."""

    tables: list[str] = []
    mode: Mode = "replace"
    into: str | None = None
    dry_run: bool = False
    on_conflict: OnConflict = "reject"


B = TypeVar("B", bound=_Body)


def describe_options(kind: type[_Body], example: dict[str, Any]) -> dict[str, OpenApiRequest]:
    """Return what the OpenAPI description says of the body."""
    shown = OpenApiExample("options", value=example, request_only=True)
    return {"application/json": OpenApiRequest(reference(kind), examples=[shown])}


def read_options(request: Request, kind: type[B]) -> B:
    """Return the body's options, the defaults for no body.

    Raises `JsonSyntax` or `BadShape`, `TooLarge` for a body that no options need.
    """
    body = read_optional_body(request._request, max_bytes=MAX_BODY_BYTES)
    if not body:
        return kind()
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise BadShape(f"The body is not right: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JsonSyntax(f"The body is not JSON: {error}") from error
