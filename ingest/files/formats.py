"""Any file inspected: its format told by its bytes, then its own inspection."""

from pathlib import PurePath

from msgspec.structs import replace

from ingest.files.csv_inspection import inspect_csv
from ingest.files.inspection import Inspection
from ingest.files.json_inspection import inspect_json, tell_json
from ingest.files.sample import Sample, read_sample, take_sample
from ingest.files.spreadsheets import SUFFIXES, open_sheet, sample_sheet
from project.base.errors import RowhouseError

_BINARY = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"ARROW1", b"Obj\x01")


class FileNotText(RowhouseError):
    """The file is of a binary format that is not looked into."""

    code = "file_not_text"


def inspect_file(path: str, sheet: str | None = None) -> Inspection:
    """Return what a regular file is, of a spreadsheet one sheet.

    Raises OSError, `FileDamaged`, `FileNotText` or `SheetUnknown`.
    """
    name = PurePath(path).name
    suffix = PurePath(name.lower()).suffix
    if suffix in SUFFIXES:
        sample = sample_sheet(open_sheet(path, sheet))
        found = inspect_csv(sample, name, [","])
        return replace(found, format=suffix[1:], delimiter=None, quote=None, line_end=None)
    return inspect_sample(read_sample(path), name)


def inspect_bytes(data: bytes, name: str = "", *, is_whole: bool = True) -> Inspection:
    """Return what a file is that has or begins with these bytes.

    Raises `FileDamaged` or `FileNotText`.
    """
    return inspect_sample(take_sample(data, is_whole=is_whole), name)


def inspect_sample(sample: Sample, name: str) -> Inspection:
    """Return what a file with this sample is; raise `FileNotText`."""
    if sample.start.startswith(_BINARY):
        raise FileNotText
    format_name = tell_json(sample.head)
    if format_name:
        return inspect_json(sample, name, format_name)
    return inspect_csv(sample, name)
