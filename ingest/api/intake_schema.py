"""What the OpenAPI description says of the ingest endpoint."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest

from ingest import errors
from project.base.errors import BadParameter
from project.http.body import BODY_ERRORS
from project.http.errors import LengthRequired
from project.http.openapi import CSV_TEXT, FILLED, NDJSON_TEXT, NULL_PARAMETER, parameter

# What can be wrong with the bytes of a JSON body, too.
JSON_ERRORS = (
    *BODY_ERRORS,
    errors.BadUtf8,
    errors.JsonBom,
    errors.JsonSyntax,
    errors.TooDeep,
    errors.NumberTooLong,
    errors.BadShape,
)

INTAKE_ERRORS = (
    *JSON_ERRORS,
    errors.BodyEmpty,
    errors.NoRows,
    errors.RepeatedEnvelopeKey,
    errors.CsvSyntax,
    errors.CsvHeader,
    BadParameter,
    LengthRequired,
    errors.TooManyRows,
    errors.ConflictKeyMissing,
    errors.TableUnknown,
    errors.TableAmbiguous,
    errors.TableNotWritable,
    errors.IdempotencyKeyReused,
    errors.IdempotencyKeyInUse,
)

CONFLICT_PARAMETERS = [
    parameter(
        "on_conflict",
        "What becomes of a row whose key the table has",
        enum=["reject", "ignore", "update"],
        default="reject",
    ),
    parameter(
        "conflict_key",
        "The unique key meant by `on_conflict`: its name or its columns, `city,name`; else the"
        " primary key, with `ignore` any unique key",
    ),
]

EXTRA_PARAMETER = parameter(
    "extra",
    "What becomes of columns that the table does not have: `ignore` leaves them out and counts"
    " them in the receipt's `extra`",
    enum=["reject", "ignore"],
    default="reject",
)

INTAKE_PARAMETERS = [
    *CONFLICT_PARAMETERS,
    parameter("atomic", "All rows or none", type="boolean", default=False),
    parameter("dry_run", "Say what would happen, store nothing", type="boolean", default=False),
    parameter(
        "return",
        "`keys`: the receipt has the primary key of each stored row by its index",
        enum=["none", "keys"],
        default="none",
    ),
    EXTRA_PARAMETER,
    parameter("header", "Whether a CSV body begins with one", enum=["present", "absent"]),
    NULL_PARAMETER,
    OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+( +[!-~]+)*$"},
        OpenApiParameter.HEADER,
        description="1 to 255 characters: the same request again gets the same receipt",
    ),
]

ROWS: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object"},
    "minItems": 1,
    "maxItems": settings.CONFIG.ingest.max_rows,
}

# Where the table stands in the address.
ENVELOPE: dict[str, Any] = {
    "type": "object",
    "properties": {"rows": ROWS},
    "required": ["rows"],
    "additionalProperties": False,
}

# Where it does not.
NAMED_ENVELOPE: dict[str, Any] = {
    **ENVELOPE,
    "properties": {"table": {"type": "string"}, "rows": ROWS},
    "required": ["table", "rows"],
}

_DEPARTMENTS = [{"department_id": 1, "department_name": "Parks and Trails"}]
NAMED_EXAMPLE = {"table": "hiring.departments", "rows": _DEPARTMENTS}


def _body(schema: dict[str, Any], example: Any) -> OpenApiRequest:
    shown = OpenApiExample("rows", value=example, request_only=True)
    return OpenApiRequest(schema, examples=[shown])


INTAKE_BODIES = {
    "application/json": _body({"oneOf": [ROWS, ENVELOPE]}, _DEPARTMENTS),
    "application/x-ndjson": _body(
        NDJSON_TEXT | FILLED, '{"department_id": 1, "department_name": "Parks and Trails"}\n'
    ),
    "text/csv": _body(CSV_TEXT | FILLED, "department_id,department_name\n1,Parks and Trails\n"),
}
