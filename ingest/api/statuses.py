"""Which HTTP status answers which of the ingest room's errors."""

from http import HTTPStatus

from ingest import errors
from ingest.files.formats import FileNotText
from ingest.files.sample import FileDamaged
from ingest.reading.rows import TableNotReadable
from ingest.rejections.listing import RejectionUnknown
from ingest.rejections.replay import RejectionBusy, RejectionNotOpen
from ingest.rejections.sent_rows import RawTruncated, RawUnreadable
from ingest.writing.deletion import DeleteRefused, RowReferenced, RowUnknown, TableHasNoKey
from ingest.writing.receipts import BatchUnknown
from project.base.errors import RowhouseError

STATUSES: dict[type[RowhouseError], int] = {
    **dict.fromkeys(
        (errors.TableUnknown, BatchUnknown, RejectionUnknown, RowUnknown), HTTPStatus.NOT_FOUND
    ),
    **dict.fromkeys((errors.TableNotWritable, TableNotReadable), HTTPStatus.FORBIDDEN),
    **dict.fromkeys((errors.TableAmbiguous, errors.IdempotencyKeyInUse), HTTPStatus.CONFLICT),
    **dict.fromkeys((RejectionNotOpen, RejectionBusy), HTTPStatus.CONFLICT),
    **dict.fromkeys((RawTruncated, RawUnreadable), HTTPStatus.CONFLICT),
    **dict.fromkeys((RowReferenced, DeleteRefused, TableHasNoKey), HTTPStatus.CONFLICT),
    **dict.fromkeys(
        (errors.IdempotencyKeyReused, FileDamaged, FileNotText), HTTPStatus.UNPROCESSABLE_ENTITY
    ),
}
