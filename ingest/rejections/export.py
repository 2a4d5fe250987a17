"""Rejections as CSV: the row's values, then why it was rejected."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ingest.models import Rejection
from ingest.rejections.listing import newest_errors, parse_row, raw_text, value_text

# They follow the columns of the row and cannot be mistaken for one of them.
ABOUT = (
    "rejection_id",
    "rejection_batch",
    "rejection_table",
    "rejection_index",
    "rejection_line",
    "rejection_state",
    "rejection_created_at",
    "rejection_codes",
    "rejection_reasons",
    "rejection_raw",
)


def export_header(columns: Sequence[str]) -> list[str]:
    """Return the header of an export with these columns of the rows."""
    return [*columns, *ABOUT]


def export_records(
    rejections: Iterable[Rejection], columns: Sequence[str]
) -> Iterator[list[str | None]]:
    """Yield a record for each rejection: its row's values as far as they can be read, the rest."""
    for rejection in rejections:
        row = parse_row(rejection) or {}
        yield [*(_field(row.get(column)) for column in columns), *_about(rejection)]


def _about(rejection: Rejection) -> list[str | None]:
    errors = newest_errors(rejection)
    return [
        str(rejection.pk),
        str(rejection.batch_id),
        rejection.table_name,
        str(rejection.index),
        None if rejection.line is None else str(rejection.line),
        rejection.state,
        rejection.created_at.isoformat(),
        " ".join(error["code"] for error in errors),
        "; ".join(error["message"] for error in errors),
        raw_text(bytes(rejection.raw)),
    ]


def _field(value: msgspec.Raw | None) -> str | None:
    text = b"null" if value is None else bytes(value).strip()
    return None if text == b"null" else value_text(text)
