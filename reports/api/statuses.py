"""Which HTTP status answers which of the reports room's errors."""

from http import HTTPStatus

from project.base.errors import RowhouseError
from reports import errors

STATUSES: dict[type[RowhouseError], int] = {
    errors.ReportUnknown: HTTPStatus.NOT_FOUND,
    errors.NotRefreshed: HTTPStatus.NOT_FOUND,
    errors.ReportBusy: HTTPStatus.CONFLICT,
    errors.DefinitionInvalid: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RefreshFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
}
