"""The OpenAPI description: views as operations, types and errors as components.

A view names its `scopes` and the `errors` each method may answer with; its answers are described
by the types they are encoded from.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import msgspec
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, _SchemaType

from project.base.errors import RowhouseError, TooLarge, Unavailable
from project.http import problems
from project.http.access.keys import scopes_of
from project.http.errors import (
    BadLength,
    BodyLate,
    CsrfFailed,
    KeyInvalid,
    KeyRequired,
    ScopeMissing,
    TooManyRequests,
)
from project.http.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from project.models import Scope

SECURITY = "ApiKey"
CSV_TEXT: dict[str, Any] = {"type": "string", "description": "One record a line, header first"}
NDJSON_TEXT: dict[str, Any] = {"type": "string", "description": "One JSON object a line"}
# In a request there is something in it.
FILLED: dict[str, Any] = {"minLength": 1, "pattern": r"\S"}

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem document; some codes bring more members.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; what programs should look at"},
        "detail": {"type": "string", "description": "For people"},
    },
}

# What stands in addresses, with a value that is found in any service that was just started.
_PATH_PARAMETERS = {
    "batch": ("The id of a batch, as in its receipt", "0190f2c4-7e5a-7c3e-9d7b-2f6a1c0b4e11"),
    "key": ("The row's primary key; the values of several columns separated by commas", "1"),
    "name": ("A report's name", "hires_by_quarter"),
    "rejection": ("The number of a rejection", "1"),
    "result": ("The id of a result", "0190f2c4-7e5a-7c3e-9d7b-2f6a1c0b4e11"),
    "run": ("The id of a backup, check or restore", "0190f2c4-7e5a-7c3e-9d7b-2f6a1c0b4e11"),
    "table": ("`dataset.table`, or `table` where only one dataset has it", "hiring.departments"),
}

# Tags are what stands first in the address, but for these.
_TAGS = {"healthz": "health", "readyz": "health", "internal": "health", "reports.tds": "reports"}

# What a view's methods may raise beside what every method may.
Errors = Mapping[str, Sequence[type[RowhouseError]]]

# Every type that an answer is encoded from, found as views name them.
_types: set[type] = {Page}

# Every error that an operation names, by its code.
_errors: dict[str, type[RowhouseError]] = {}


def answers(bodies: Mapping[Any, Any]) -> dict[Any, OpenApiResponse]:
    """Return drf-spectacular's responses; a body is a struct's type or a JSON Schema.

    Keys are a status, or a status and a media type.
    """
    return {
        key: OpenApiResponse(reference(body), description=_phrase(key))
        for key, body in bodies.items()
    }


def reference(body: Any) -> Any:
    """Return the schema of a body: a reference for a struct's type, a JSON Schema as it is."""
    if isinstance(body, type):
        _types.add(body)
        return {"$ref": f"#/components/schemas/{body.__name__}"}
    return body


def page_of(result: Any) -> dict[str, Any]:
    """Return the schema of a page of these."""
    return {
        "allOf": [
            reference(Page),
            {"properties": {"results": {"type": "array", "items": reference(result)}}},
        ]
    }


def parameter(
    name: str,
    description: str,
    *,
    type: str = "string",  # noqa: A002
    **schema: Any,
) -> OpenApiParameter:
    """Return an optional query parameter."""
    return OpenApiParameter(name, {"type": type, **schema}, description=description)


NULL_PARAMETER = OpenApiParameter(
    "null",
    {"type": "array", "items": {"type": "string"}},
    description="A word that means null in CSV where it stands without quotes; may be repeated",
)
SAFE_PARAMETER = parameter("safe", "CSV for spreadsheets: a `'` before formulas", type="boolean")


def paging_parameters() -> list[OpenApiParameter]:
    """Return what every list endpoint takes."""
    return [
        parameter(
            "limit",
            "Results on a page",
            type="integer",
            minimum=1,
            maximum=MAX_LIMIT,
            default=DEFAULT_LIMIT,
        ),
        parameter("cursor", "As in the `next` and `previous` links; opaque"),
    ]


class ViewSchema(AutoSchema):
    """Describes a view by its `scopes`, `errors` and docstrings."""

    def get_auth(self) -> list[_SchemaType]:
        """Return the security requirement: none where the method needs no scope.

        What comes from datasets needs a key unless they are public.
        """
        if not self._scopes():
            return []
        return [{SECURITY: []}, {}] if self._may_be_public() else [{SECURITY: []}]

    def get_operation_id(self) -> str:
        """Return an id that is as unique as the method and the path."""
        words = self.path.replace("{", "").replace("}", "").replace(".", "/").split("/")
        return "_".join([self.method.lower(), *filter(None, words[2:] or words)])

    def get_summary(self) -> str | None:
        """Return the summary of the view, or else its docstring."""
        return super().get_summary() or cleandoc(self.view.__doc__ or "").split("\n")[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]
        """Return the method's docstring with the scope that it needs."""
        description = super().get_description()
        if not (scopes := self._scopes()):
            return description
        unless = ", unless the data is public" if self._may_be_public() else ""
        words = " or ".join(f"`{scope}`" for scope in scopes)
        return f"{description}\n\nScope: {words}{unless}"

    def get_tags(self) -> list[str]:
        """Return the group that the address belongs to."""
        first = self.path.removeprefix("/api").split("/")[1]
        return [_TAGS.get(first, first)]

    def get_request_serializer(self) -> Any:
        """Return None: views describe their bodies themselves."""
        return None

    def get_response_serializers(self) -> Any:
        """Return any JSON object, for a view without `responses`."""
        return {200: OpenApiTypes.OBJECT}

    def _scopes(self) -> tuple[Scope, ...]:
        return scopes_of(self.view, self.method)

    def _may_be_public(self) -> bool:
        return hasattr(self.view, "datasets") and Scope.READ in self._scopes()

    def _get_response_bodies(self, *args: Any, **options: Any) -> _SchemaType:
        bodies = super()._get_response_bodies(*args, **options)
        for status, errors in self._refusals().items():
            body = bodies.setdefault(str(status), {"description": HTTPStatus(status).phrase})
            body.setdefault("content", {})[problems.CONTENT_TYPE] = _problem_content(errors)
        return bodies

    def _refusals(self) -> dict[int, list[type[RowhouseError]]]:
        errors: list[type[RowhouseError]] = [Unavailable]
        if self._scopes():
            errors += [KeyRequired, KeyInvalid, ScopeMissing, TooManyRequests]
            errors += [CsrfFailed] if self.method != "GET" else []
        if self.method == "POST":
            errors += [BadLength, BodyLate, TooLarge]
        errors += getattr(self.view, "errors", {}).get(self.method, [])
        refusals: dict[int, list[type[RowhouseError]]] = {}
        for error in errors:
            refusals.setdefault(problems.status_of(error), []).append(error)
        return dict(sorted(refusals.items()))


def describe_answers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the components that operations refer to (a postprocessing hook)."""
    components = result.setdefault("components", {})
    types = sorted(_types, key=lambda each: each.__name__)
    schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")[1]
    for schema in schemas.values():
        schema["description"] = cleandoc(schema.get("description", ""))
    components.setdefault("schemas", {}).update(schemas, Problem=_PROBLEM)
    components["examples"] = _examples()
    _describe_path_parameters(result["paths"])
    components.setdefault("securitySchemes", {})[SECURITY] = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Api-Key ` and the key, with a space between",
    }
    return result


def _problem_content(errors: Sequence[type[RowhouseError]]) -> dict[str, Any]:
    _errors.update({error.code: error for error in errors})
    return {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {
            error.code: {"$ref": f"#/components/examples/{error.code}"} for error in errors
        },
    }


def _examples() -> dict[str, Any]:
    known = {code: (problems.status_of(error), error.meaning()) for code, error in _errors.items()}
    return {
        code: {
            "summary": meaning,
            "value": problems.document(status=status, code=code, detail=meaning),
        }
        for code, (status, meaning) in sorted({**problems.FRAMEWORK_CODES, **known}.items())
    }


def _describe_path_parameters(paths: Mapping[str, Any]) -> None:
    for item in paths.values():
        for operation in item.values():
            for one in operation.get("parameters", []):
                if one["in"] == "path" and one["name"] in _PATH_PARAMETERS:
                    one["description"], one["example"] = _PATH_PARAMETERS[one["name"]]


def _phrase(key: Any) -> str:
    return HTTPStatus(key[0] if isinstance(key, tuple) else key).phrase
