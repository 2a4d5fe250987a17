"""The API as OpenAPI 3.1, made from the specification.

OpenAPI knows addresses, not methods in a parameter: all reads are one operation and all reports
another, and `method` says which parameters go together.
"""

from typing import Any

from apis.open311 import errors
from apis.open311.specification import (
    COMMON_OF_LISTS,
    SCOPES,
    Method,
    Parameter,
    read_specification,
)
from project.base.errors import RowhouseError

PATH = "/open311/api"
TOKEN_URL = "/open311/oauth/token"  # noqa: S105 - an address
AUTHORIZE_URL = "/open311/oauth/authorize"

Document = dict[str, Any]

# Beside its own errors those that any address may answer.
CODES = sorted(
    {
        *(
            error.code
            for error in vars(errors).values()
            if isinstance(error, type)
            and issubclass(error, RowhouseError)
            and error is not RowhouseError
        ),
        *("key_required", "key_invalid", "scope_missing", "too_large", "unavailable"),
    }
)

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "examples": CODES},
                "message": {"type": "string"},
            },
        }
    },
}
_SECURITY_SCHEME = {
    "type": "oauth2",
    "flows": {
        "authorizationCode": {
            "authorizationUrl": AUTHORIZE_URL,
            "tokenUrl": TOKEN_URL,
            "scopes": SCOPES,
        },
        "clientCredentials": {"tokenUrl": TOKEN_URL, "scopes": SCOPES},
    },
}


def describe_service() -> Document:
    """Return a document of this API alone."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Open311 Simple", "version": "1"},
        "paths": describe_paths(),
        "components": {"securitySchemes": {"open311": _SECURITY_SCHEME}},
    }


def describe_paths() -> Document:
    """Return the API's paths."""
    methods = {
        name: method
        for name, method in read_specification().methods.items()
        if method.enabled and method.documented
    }
    reads = {name: method for name, method in methods.items() if method.method == "GET"}
    reports = {name: method for name, method in methods.items() if method.method == "POST"}
    return {PATH: {"get": _describe_reads(reads), "post": _describe_reports(reports)}}


def add_to_schema(result: Document, generator: Any, request: Any, public: bool) -> Document:
    """Add the paths to the service's document (a drf-spectacular postprocessing hook)."""
    result.setdefault("paths", {}).update(describe_paths())
    schemes = result.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["open311"] = _SECURITY_SCHEME
    return result


def _describe_reads(methods: dict[str, Method]) -> Document:
    used: dict[str, list[str]] = {}
    parameters: dict[str, Parameter] = {}
    for name, method in methods.items():
        for parameter in method.parameters:
            used.setdefault(parameter.name, []).append(name)
            parameters[parameter.name] = parameter
    choice = {"type": "string", "enum": list(methods)}
    described = [{"name": "method", "in": "query", "required": True, "schema": choice}]
    described += [_describe_parameter(p, used[p.name]) for p in parameters.values()]
    described += [_describe_parameter(p, ["every list"]) for p in COMMON_OF_LISTS]
    return {
        "operationId": "open311_read",
        "tags": ["open311"],
        "summary": "Open311 Simple: ask",
        "description": _describe_methods(methods),
        "security": [{}, {"open311": []}],
        "parameters": described,
        "responses": _describe_responses("200", methods),
    }


def _describe_reports(methods: dict[str, Method]) -> Document:
    schemas = []
    for name, method in methods.items():
        properties: Document = {"method": {"const": name}}
        for parameter in method.parameters:
            properties[parameter.name] = {
                "type": "string",
                "description": parameter.description,
                "examples": [parameter.example],
            }
        required = ["method", *(p.name for p in method.parameters if p.required)]
        schema = {"type": "object", "required": required, "properties": properties}
        schemas.append(schema | {"additionalProperties": False})
    content = {"schema": {"oneOf": schemas}}
    return {
        "operationId": "open311_report",
        "tags": ["open311"],
        "summary": "Open311 Simple: report",
        "description": _describe_methods(methods),
        "security": [{"open311": [method.scope]} for method in methods.values()],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": content, "application/json": content},
        },
        "responses": _describe_responses("201", methods),
    }


def _describe_methods(methods: dict[str, Method]) -> str:
    return "\n".join(f"- `{name}`: {method.description}" for name, method in methods.items())


def _describe_parameter(parameter: Parameter, used_by: list[str]) -> Document:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": f"{parameter.description} For {', '.join(used_by)}.",
        "schema": {"type": "string"},
        "example": parameter.example,
    }


def _describe_responses(status: str, methods: dict[str, Method]) -> Document:
    examples = {name: {"value": method.example} for name, method in methods.items()}
    success = {"schema": {"type": "object"}, "examples": examples}
    return {
        status: {"description": "The answer", "content": {"application/json": success}},
        "default": {
            "description": "What is wrong, in the API's own shape",
            "content": {"application/json": {"schema": _ERROR}},
        },
    }
