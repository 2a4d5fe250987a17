"""What can be wrong with a call of the Open311 API."""

from http import HTTPStatus
from typing import Any

from project.base.errors import RowhouseError


class MethodMissing(RowhouseError):
    """Name a method: /open311/api?method=open311.services.getList."""

    code = "method_missing"


class MethodUnknown(RowhouseError):
    """There is no such method; open311.api.getMethods lists them."""

    code = "method_unknown"


class VerbNotAllowed(RowhouseError):
    """The method is called with another HTTP verb."""

    code = "verb_not_allowed"


class ParameterMissing(RowhouseError):
    """The method needs a parameter that is not there."""

    code = "parameter_missing"


class ParameterInvalid(RowhouseError):
    """A parameter has a value that is not understood."""

    code = "parameter_invalid"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}", parameter=parameter)


class ParameterUnknown(RowhouseError):
    """The method has no such parameter."""

    code = "parameter_unknown"


class CriterionMissing(RowhouseError):
    """A search needs at least one criterion."""

    code = "criterion_missing"


class BodyInvalid(RowhouseError):
    """The body is neither a form nor a JSON object of parameters."""

    code = "body_invalid"


class ServiceUnknown(RowhouseError):
    """There is no service with this id."""

    code = "service_unknown"


class IncidentUnknown(RowhouseError):
    """There is no incident with this id."""

    code = "incident_unknown"


class ReportRejected(RowhouseError):
    """The report cannot be stored; `errors` says why."""

    code = "report_rejected"


class TokenRequired(RowhouseError):
    """This method needs an OAuth2 token: `Authorization: Bearer TOKEN`."""

    code = "token_required"


class TokenInvalid(RowhouseError):
    """The OAuth2 token is unknown, revoked or expired."""

    code = "token_invalid"


class ScopeInsufficient(RowhouseError):
    """The OAuth2 token does not have the scope this method needs."""

    code = "scope_insufficient"


STATUSES: dict[type[RowhouseError], int] = {
    MethodUnknown: HTTPStatus.NOT_FOUND,
    VerbNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    ServiceUnknown: HTTPStatus.NOT_FOUND,
    IncidentUnknown: HTTPStatus.NOT_FOUND,
    ReportRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    TokenRequired: HTTPStatus.UNAUTHORIZED,
    TokenInvalid: HTTPStatus.UNAUTHORIZED,
    ScopeInsufficient: HTTPStatus.FORBIDDEN,
}


def describe_error(error: RowhouseError) -> dict[str, Any]:
    """Return the API's own shape of an error."""
    return {"error": {"code": error.code, "message": error.message, **error.fields}}
