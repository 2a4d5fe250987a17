"""CSV records as fields, and fields as CSV records."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence

# The module's own limit of 128 KiB a field is less than the service takes.
csv.field_size_limit(sys.maxsize)


def parse_records(records: Sequence[bytes], delimiter: str = ",") -> Iterator[list[str]]:
    """Yield the fields of each UTF-8 record."""
    text = io.StringIO(b"\n".join(records).decode(), newline="")
    return csv.reader(text, delimiter=delimiter, strict=True)


def write_records(rows: Iterable[Sequence[str]]) -> bytes:
    """Return the rows as comma-separated UTF-8 records."""
    out = io.StringIO(newline="")
    # With any other line end the writer leaves a carriage return in a value unquoted.
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
