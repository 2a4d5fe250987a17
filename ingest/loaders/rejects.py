"""Rejected rows with their reasons: the first ones for the eye, all of them in a file."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ingest.loaders.formats.csv_rows import (
    join_records,
    split_records,
    write_field,
    write_records,
)
from ingest.loaders.formats.files import Batch
from ingest.loaders.formats.json_text import find_problem
from ingest.loaders.responses import Receipt, RowError, RowRejection

_encode = msgspec.json.Encoder().encode
# In JSON text these stand only between values, where a space does the same.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


@dataclass(slots=True)
class FirstReasons:
    """Why the first rejected rows were rejected, a line for each."""

    limit: int = 5
    lines: list[str] = field(default_factory=list)

    def add(self, batch: Batch, receipt: Receipt) -> None:
        """Take as many of the batch's rejected rows as there is room for."""
        rejections = sorted(receipt.rejections, key=lambda rejection: rejection.index)
        for rejection in rejections[: self.limit - len(self.lines)]:
            reasons = "; ".join(map(_describe, rejection.read_errors()))
            place = f"{batch.layout.place} {batch.rows.places[rejection.index]}"
            self.lines.append(f"{batch.file}, {place}: {reasons}")


class RejectsFile(AbstractContextManager["RejectsFile"]):
    """Rejected rows in file order: CSV where the input is CSV, NDJSON otherwise.

    The file is emptied at once, so that an earlier load's rejects are not taken for this one's,
    and written batch by batch, so that a load that stops leaves what it knows.
    """

    def __init__(self, path: Path, *, names_files: bool) -> None:
        self._file = path.open("wb")
        self._names_files = names_files

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def add(self, batch: Batch, receipt: Receipt) -> None:
        """Write the batch's rejected rows as they stand in their file."""
        if not receipt.rejections:
            return
        rejections = sorted(receipt.rejections, key=lambda rejection: rejection.index)
        if batch.layout.format == "csv":
            if not self._file.tell():
                self._file.write(write_records([self._titles(batch)]))
            self._file.write(join_records(self._csv_rows(batch, rejections)))
        else:
            self._file.writelines(self._json_lines(batch, rejections))
        self._file.flush()

    def _titles(self, batch: Batch) -> list[str]:
        own = ["_line", "_codes", "_errors"]
        return [*batch.layout.titles, *(["_file"] if self._names_files else []), *own]

    def _csv_rows(self, batch: Batch, rejections: Sequence[RowRejection]) -> Iterator[list[str]]:
        """Yield the original fields, then ours, then fields the header has no title for."""
        width = len(batch.layout.titles)
        records = [batch.rows.texts[rejection.index] for rejection in rejections]
        fields_of = split_records(records, batch.layout.delimiter)
        for rejection, fields in zip(rejections, fields_of, strict=True):
            errors = rejection.read_errors()
            missing = [""] * (width - len(fields))
            own = [
                *([batch.file] if self._names_files else []),
                str(batch.rows.places[rejection.index]),
                " ".join(error.code for error in errors),
                "; ".join(error.message for error in errors),
            ]
            yield [*fields[:width], *missing, *map(write_field, own), *fields[width:]]

    def _json_lines(self, batch: Batch, rejections: Sequence[RowRejection]) -> Iterator[bytes]:
        for rejection in rejections:
            line: dict[str, object] = {"file": batch.file} if self._names_files else {}
            line[batch.layout.place] = batch.rows.places[rejection.index]
            line["row"] = _embed(batch.rows.texts[rejection.index])
            line["errors"] = rejection.errors
            yield _encode(line) + b"\n"


def _describe(error: RowError) -> str:
    value = bytes(error.value).decode()
    return f"{error.message} ({value})" if value and value not in error.message else error.message


def _embed(row: bytes) -> msgspec.Raw | str:
    """Return a row as it stands, on one line; as a string where it is not JSON."""
    if find_problem(row):
        return row.decode()
    return msgspec.Raw(row.translate(_ONE_LINE))
