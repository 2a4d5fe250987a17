"""The bodies of requests under /api/backups."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from drf_spectacular.utils import OpenApiExample, OpenApiRequest
from rest_framework.request import Request

from backups.avro.codecs import Codec
from backups.restore.plan import Key, Mode, RestoreRequest
from ingest.errors import BadShape, JsonSyntax
from ingest.outcome import OnConflict
from project.http.body import BODY_ERRORS, read_optional_body
from project.http.openapi import reference

MAX_BODY_BYTES = 1 << 20

# What can be wrong with a body of options.
OPTIONS_ERRORS = (*BODY_ERRORS, JsonSyntax, BadShape)


# A column's value; a number with a fraction would not stay exact.
Value = str | int | bool


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
    """POST /api/backups/{id}/restore.

    Without `tables`, all of the backup but `exclude`. With `where` (values by column), `keys` (a
    primary key's values, or objects with its columns) or `batch`, only rows of which each holds.
    Numbers with a fraction are given as strings.
    """

    tables: list[str] = []
    exclude: list[str] = []
    where: dict[str, Value | None] = {}
    keys: list[Value | dict[str, Value]] | None = None
    batch: UUID | None = None
    mode: Mode = "replace"
    into: str | None = None
    dry_run: bool = False
    on_conflict: OnConflict = "reject"

    def as_request(self, left_out: Sequence[str]) -> RestoreRequest:
        """Return the request, in which all values are texts."""
        fields = msgspec.structs.asdict(self) | {
            "where": {name: _as_text(value) for name, value in self.where.items()},
            "keys": None if self.keys is None else [_as_key(key) for key in self.keys],
            "batch": self.batch and str(self.batch),
            "left_out": left_out,
            "everything": not self.tables,
        }
        return RestoreRequest(**fields)


def _as_text(value: Value | None) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_key(key: Value | dict[str, Value]) -> Key:
    if isinstance(key, dict):
        return {name: str(_as_text(value)) for name, value in key.items()}
    return str(_as_text(key))


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
