"""The compiled code (the C sources in this folder), where it was built from these sources."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cffi import FFI

logger = logging.getLogger("rowhouse.ingest")

SOURCES = Path(__file__).parent
LIBRARY = SOURCES / "rows.so"

# A C structure, array or pointer.
CData = Any


@dataclass(frozen=True, slots=True)
class Library:
    """The compiled code as batch.h declares it."""

    ffi: FFI
    code: Any  # functions and constants
    kinds: Mapping[str, int]  # `enum kind` by PostgreSQL's names

    def read_members(self, structures: CData, count: int) -> "dict[str, memoryview[int]]":
        """Return the members of so many structures by name; all must be of type int64_t."""
        kind = self.ffi.typeof(structures).item
        numbers = memoryview(self.ffi.buffer(structures, count * self.ffi.sizeof(kind))).cast("q")
        names = _list_members(kind)
        return {name: numbers[place :: len(names)] for place, name in enumerate(names)}


@cache
def load_library() -> Library | None:
    """Return the compiled code, None where it was not built, or not from these sources."""
    ffi = FFI()
    ffi.cdef((SOURCES / "batch.h").read_text())
    try:
        code = ffi.dlopen(str(LIBRARY))
        digest = ffi.string(code.source_digest)
    except (OSError, KeyError):  # no library, or one without this variable
        return None
    if digest != digest_sources().encode():
        return None
    kinds = ffi.typeof("enum kind").relements
    return Library(ffi, code, {name.lower(): kind for name, kind in kinds.items()})


def digest_sources() -> str:
    """Return SHA-256 of the C sources and headers, as the Makefile gives it to the compiler."""
    texts = [path.read_bytes() for path in sorted(SOURCES.glob("*.[ch]"))]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def warn_without_library() -> None:
    """Log that rows are encoded without compiled code, where they are; called once at start."""
    if load_library() is None:
        fault = "is stale or of another machine" if LIBRARY.exists() else "is missing"
        logger.warning(
            "The compiled row encoder %s: Python encodes the rows, more slowly, until it is built",
            fault,
        )


@cache
def _list_members(structure: Any) -> list[str]:
    return [name for name, _ in structure.fields]
