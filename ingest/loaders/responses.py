"""What the service answers: receipts, problems and descriptions of tables, decoded."""

import msgspec


class RowError(msgspec.Struct, frozen=True):
    """One reason why a row was rejected."""

    code: str
    message: str = ""


class RowRejection(msgspec.Struct, frozen=True):
    """A rejected row by its place in the batch; the errors stay the service's own text."""

    index: int
    errors: msgspec.Raw

    def read_errors(self) -> list[RowError]:
        """Return the code and message of each error."""
        return msgspec.json.decode(self.errors, type=list[RowError])


class Receipt(msgspec.Struct, frozen=True):
    """What became of a batch: received = inserted + updated + ignored + rejected."""

    table: str
    received: int
    inserted: int
    updated: int
    ignored: int
    rejected: int
    rejections: list[RowRejection] = []


class Problem(msgspec.Struct, frozen=True):
    """An RFC 9457 problem document's parts that matter here."""

    code: str = ""
    detail: str = ""


class ColumnDescription(msgspec.Struct, frozen=True):
    """A column of a table."""

    name: str
    type: str


class TableDescription(msgspec.Struct, frozen=True):
    """A table's columns in order."""

    columns: list[ColumnDescription]
