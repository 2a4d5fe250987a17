"""The file of rejected rows with their reasons."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from ingest.loaders.formats.csv_rows import (
    join_records,
    split_records,
    write_field,
    write_records,
)
from ingest.loaders.formats.files import Batch
from ingest.loaders.responses import Receipt, RowRejection

_encode = msgspec.json.Encoder().encode
# In JSON text these stand only between values, where a space does the same.
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


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
            line["row"] = msgspec.Raw(batch.rows.texts[rejection.index].translate(_ONE_LINE))
            line["errors"] = rejection.errors
            yield _encode(line) + b"\n"
