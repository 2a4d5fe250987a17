"""What can be wrong with a whole ingest request; nothing is stored then."""

from project.base.errors import BadParameter as BadParameter
from project.base.errors import BadRequest as BadRequest
from project.base.errors import RowhouseError
from project.base.errors import TooLarge as TooLarge
from project.base.errors import UnsupportedMediaType as UnsupportedMediaType


class TableUnknown(RowhouseError):
    """No exposed table has this name."""

    code = "table_unknown"

    def __init__(self, *, name: str) -> None:
        super().__init__(f"There is no table {name[:200]!r} here")


class TableAmbiguous(RowhouseError):
    """Several datasets have a table of this name; write the dataset before it."""

    code = "table_ambiguous"

    def __init__(self, *, name: str, schemas: list[str]) -> None:
        choices = [f"{schema}.{name}" for schema in schemas]
        super().__init__(f"{name!r} is the name of several tables: {', '.join(choices)}")
        self.fields = {"tables": choices}


class TableNotWritable(RowhouseError):
    """The service has not been granted what it needs to write this table."""

    code = "table_not_writable"


class BodyEmpty(BadRequest):
    """The body is empty: send at least one row."""

    code = "body_empty"


class BadUtf8(BadRequest):
    """The body is not UTF-8."""

    code = "bad_utf8"


class JsonBom(BadRequest):
    """The body starts with a byte order mark, which JSON does not allow."""

    code = "json_bom"


class JsonSyntax(BadRequest):
    """The body is not JSON."""

    code = "json_syntax"


class TooDeep(BadRequest):
    """The body is nested too deep."""

    code = "too_deep"


class NumberTooLong(BadRequest):
    """A number in the body has too many digits."""

    code = "number_too_long"


class BadShape(BadRequest):
    """The body must be an array of objects, or an object with such an array as `rows`."""

    code = "bad_shape"


class NoRows(BadRequest):
    """The body holds no rows."""

    code = "no_rows"


class RepeatedEnvelopeKey(BadRequest):
    """A key stands twice in the body's outer object."""

    code = "duplicate_key_in_object"


class CsvSyntax(BadRequest):
    """The body is not CSV."""

    code = "csv_syntax"


class CsvHeader(BadRequest):
    """The CSV header does not fit the table."""

    code = "csv_header"


class TooManyRows(TooLarge):
    """The body holds more rows than the service takes at once."""

    code = "too_many_rows"


class ConflictKeyMissing(BadRequest):
    """The rows bring no value for the key that settles conflicts: name another `conflict_key`."""

    code = "conflict_key_missing"

    def __init__(self, key: str, columns: list[str]) -> None:
        super().__init__(
            f"Rows bring no value for {', '.join(columns)} of the key {key}: each time they are"
            " sent they would all be inserted. Bring it, or name another conflict_key"
        )
        self.fields = {"key": key, "columns": columns}


class IdempotencyKeyReused(RowhouseError):
    """This Idempotency-Key came with another request before."""

    code = "idempotency_key_reused"


class IdempotencyKeyInUse(RowhouseError):
    """A request with this Idempotency-Key is still running."""

    code = "idempotency_key_in_use"
