"""Any file inspected: its format told by its bytes, then its own inspection."""

from pathlib import PurePath

from ingest.files.csv_inspection import inspect_csv
from ingest.files.inspection import Inspection
from ingest.files.json_inspection import inspect_json, tell_json
from ingest.files.sample import Sample, read_sample, take_sample


def inspect_file(path: str) -> Inspection:
    """Return what a regular file is; raise OSError or `FileDamaged`."""
    return inspect_sample(read_sample(path), PurePath(path).name)


def inspect_bytes(data: bytes, name: str = "", *, is_whole: bool = True) -> Inspection:
    """Return what a file is that has or begins with these bytes; raise `FileDamaged`."""
    return inspect_sample(take_sample(data, is_whole=is_whole), name)


def inspect_sample(sample: Sample, name: str) -> Inspection:
    """Return what a file with this sample is."""
    format_name = tell_json(sample.head)
    if format_name:
        return inspect_json(sample, name, format_name)
    return inspect_csv(sample, name)
