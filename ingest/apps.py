"""The `ingest` app: batches, rejections and idempotency keys."""

from http import HTTPStatus

from django.apps import AppConfig

from ingest import errors
from ingest.receipts import BatchUnknown
from project.problems import register_status


class IngestConfig(AppConfig):
    name = "ingest"

    def ready(self) -> None:
        """Say which HTTP status answers which error."""
        for error, status in _STATUSES.items():
            register_status(error, status)


_STATUSES = {
    errors.TableUnknown: HTTPStatus.NOT_FOUND,
    errors.TableAmbiguous: HTTPStatus.CONFLICT,
    errors.TableNotWritable: HTTPStatus.FORBIDDEN,
    errors.BadRequest: HTTPStatus.BAD_REQUEST,
    errors.LengthRequired: HTTPStatus.LENGTH_REQUIRED,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyInUse: HTTPStatus.CONFLICT,
    BatchUnknown: HTTPStatus.NOT_FOUND,
}
