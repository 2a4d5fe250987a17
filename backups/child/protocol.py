"""What the process that reads backup files is asked, and what it answers.

Its stdin takes one `Request`. Its stderr gives an `Answer` a line, the last one `done`; its stdout
gives the rows of the task `copy` in pieces, each after a header.
"""

import struct
from typing import Literal

import msgspec

from backups.store.folder import Problem

# The header of a piece: how many rows and how many bytes it has.
PIECE_HEADER = struct.Struct(">QQ")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One task, and the limits of the process."""

    path: str  # of a backup's folder, or of another tool's file
    task: Literal["check", "check_external", "compare", "copy"]
    decode: bool = True  # whether `check` looks inside the blocks
    tables: list[str] = []
    positions: list[int] = []  # of the columns to copy
    binary: bool = False  # which format of COPY
    memory_bytes: int
    seconds: int
    manifest_sha256: str | None = None  # of the only manifest that may be read


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one line says: rows done, a problem, or that the task is done."""

    rows: int | None = None
    problem: Problem | None = None
    content_sha256: str | None = None  # of the rows that were written to stdout
    done: bool = False
