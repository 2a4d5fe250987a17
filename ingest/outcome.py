"""What becomes of rows: the errors of a rejected one, the receipt of a batch."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from ingest.row_codes import ROW_CODES

# Errors show the value that was wrong, but never more of it than this.
SHOWN_CHARACTERS = 200

# The exit status of a command that stored rows, but not all of them.
SOME_REJECTED = 3

OnConflict = Literal["reject", "ignore", "update"]
RowCode = Annotated[str, msgspec.Meta(extra_json_schema={"enum": sorted(ROW_CODES)})]


class RowError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason why a row was not stored."""

    code: RowCode
    message: str
    column: str | None = None
    columns: tuple[str, ...] | None = None
    constraint: str | None = None
    element: tuple[int, ...] | None = None  # place inside an array
    first_index: int | None = None  # the row of the batch that has the same key
    # What was sent, shortened; its JSON text, so that a number keeps all its digits.
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    @property
    def concerns(self) -> tuple[str, ...]:
        """The columns the error is about."""
        return self.columns or ((self.column,) if self.column else ())


def describe_missing(column: str) -> RowError:
    """Return the error of a row that does not bring a column it must bring."""
    return RowError(code="required_missing", column=column, message=f"{column} is required")


class ReceiptRejection(msgspec.Struct, frozen=True):
    """A rejected row as the receipt shows it."""

    index: int
    line: int | None
    errors: list[RowError]


class Reason(msgspec.Struct, frozen=True):
    """Why a row is rejected: its errors, and what rejections are found by."""

    errors: Sequence[RowError]
    codes: list[str]
    columns: list[str]

    @classmethod
    def of(cls, errors: Sequence[RowError]) -> "Reason":
        """Return the errors with their codes and the columns that they are about."""
        return cls(
            errors,
            sorted({error.code for error in errors}),
            sorted({name for error in errors for name in error.concerns}),
        )


class Rejection(msgspec.Struct, kw_only=True):
    """A row that is not stored, as it was sent, with every reason."""

    index: int
    line: int | None
    raw: bytes
    format: Literal["json", "csv"]
    errors: list[RowError]
    # What can be read of the row, for the constraints that the bad columns do not touch.
    sound: dict[str, Any] = {}

    @property
    def shown(self) -> "ReceiptRejection":
        """The rejection without the row."""
        return ReceiptRejection(self.index, self.line, self.errors)


class StoredKey(NamedTuple):
    """The primary key of a stored row, as a JSON object, by the row's place in the batch."""

    place: int
    key: str


class Additions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a receipt has only where it was asked for."""

    # `index` and primary key of each stored row.
    keys: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    # In how many rows each column stood that the table does not have.
    extra: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class Receipt(Additions, frozen=True, kw_only=True):
    """The answer to a batch: `received = inserted + updated + ignored + rejected`."""

    batch: UUID
    table: str
    received: int
    inserted: int
    updated: int
    ignored: int
    rejected: int
    duration_ms: float
    dry_run: bool
    rejections: list[ReceiptRejection]
