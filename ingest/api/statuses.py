"""Which HTTP status answers which of the ingest room's errors."""

from http import HTTPStatus

from ingest import errors
from ingest.reading.rows import TableNotReadable
from ingest.rejections.listing import RejectionUnknown
from ingest.rejections.replay import RawTruncated, RawUnreadable, RejectionBusy, RejectionNotOpen
from ingest.writing.deletion import DeleteRefused, RowReferenced, RowUnknown, TableHasNoKey
from ingest.writing.receipts import BatchUnknown
from project.base.errors import RowhouseError

STATUSES: dict[type[RowhouseError], int] = {
    errors.TableUnknown: HTTPStatus.NOT_FOUND,
    errors.TableAmbiguous: HTTPStatus.CONFLICT,
    errors.TableNotWritable: HTTPStatus.FORBIDDEN,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyInUse: HTTPStatus.CONFLICT,
    BatchUnknown: HTTPStatus.NOT_FOUND,
    RejectionUnknown: HTTPStatus.NOT_FOUND,
    RejectionNotOpen: HTTPStatus.CONFLICT,
    RejectionBusy: HTTPStatus.CONFLICT,
    RawTruncated: HTTPStatus.CONFLICT,
    RawUnreadable: HTTPStatus.CONFLICT,
    TableNotReadable: HTTPStatus.FORBIDDEN,
    RowUnknown: HTTPStatus.NOT_FOUND,
    RowReferenced: HTTPStatus.CONFLICT,
    DeleteRefused: HTTPStatus.CONFLICT,
    TableHasNoKey: HTTPStatus.CONFLICT,
}
