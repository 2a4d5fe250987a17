"""What the service answers: receipts, problems and descriptions of tables, decoded."""

import msgspec


class RowError(msgspec.Struct, frozen=True):
    """One reason why a row was rejected; `columns` are those of the constraint it breaks."""

    code: str
    message: str = ""
    columns: list[str] = []
    value: msgspec.Raw = msgspec.Raw()


class RowRejection(msgspec.Struct, frozen=True):
    """A rejected row by its place in the batch; the errors stay the service's own text."""

    index: int
    errors: msgspec.Raw

    def read_errors(self) -> list[RowError]:
        """Return the code and message of each error."""
        return msgspec.json.decode(self.errors, type=list[RowError])


class Receipt(msgspec.Struct, frozen=True):
    """What became of a batch: received = inserted + updated + ignored + rejected."""

    batch: str
    received: int = 0
    inserted: int = 0
    updated: int = 0
    ignored: int = 0
    rejected: int = 0
    rejections: list[RowRejection] = []


class ReplayedBatch(msgspec.Struct, frozen=True):
    """How many of a batch of replayed rows came to what end."""

    inserted: int
    updated: int
    ignored: int


class RejectedAgain(msgspec.Struct, frozen=True):
    """A replayed row that stays rejected, by its place in the batch that it first came in."""

    batch: str
    index: int
    errors: msgspec.Raw


class ReplaySummary(msgspec.Struct, frozen=True):
    """What became of the rejections that a call replayed, and where to POST for the rest."""

    replayed: int
    batches: list[ReplayedBatch]
    rejections: list[RejectedAgain]
    skipped: dict[str, int]
    next: str | None


class Problem(msgspec.Struct, frozen=True):
    """An RFC 9457 problem document's parts that matter here."""

    code: str = ""
    detail: str = ""


class ColumnDescription(msgspec.Struct, frozen=True):
    """A column of a table; `read_only` ones are no fields of its rows."""

    name: str
    type: str
    read_only: bool = False
    required: bool = False


class ParentDescription(msgspec.Struct, frozen=True):
    """Columns that refer to others of the same table."""

    columns: list[str]
    referenced: list[str]


class OrderDescription(msgspec.Struct, frozen=True):
    """When a row's outcome depends on others: `always`, or by equal keys and by parents."""

    always: bool = True
    keys: list[list[str]] = []
    parents: list[ParentDescription] = []


class TableDescription(msgspec.Struct, frozen=True):
    """A table's columns in order, and what depends on the order of its rows."""

    columns: list[ColumnDescription]
    order: OrderDescription = OrderDescription()


class TableName(msgspec.Struct, frozen=True):
    """A table of the list."""

    table: str


class TablePage(msgspec.Struct, frozen=True):
    """A page of the list of tables, and where the next one is."""

    results: list[TableName]
    next: str | None
