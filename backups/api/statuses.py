"""Which HTTP status answers which of the backups room's errors."""

from http import HTTPStatus

from backups import errors
from project.base.errors import RowhouseError

STATUSES: dict[type[RowhouseError], int] = {
    **dict.fromkeys((errors.BackupDamaged, errors.BackupUntrusted), HTTPStatus.CONFLICT),
    **dict.fromkeys((errors.RestoreRefused, errors.RestoreBusy), HTTPStatus.CONFLICT),
    errors.ServiceTablesProtected: HTTPStatus.FORBIDDEN,
    errors.BackupUnknown: HTTPStatus.NOT_FOUND,
    errors.TooManyRuns: HTTPStatus.TOO_MANY_REQUESTS,
}
