"""Files as blocks of UTF-8: opened, decompressed and decoded piece by piece."""

import codecs
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, cast

from ingest.files.sample import DAMAGE, find_compression, open_decompressed
from ingest.loaders.formats.rows import Unreadable

BLOCK_BYTES = 256 * 1024
STDIN = "-"


class SourceFile(AbstractContextManager["SourceFile"]):
    """An open file, or stdin for `-`; what is compressed is recognised by its first bytes."""

    def __init__(self, path: str) -> None:
        self.name = "stdin" if path == STDIN else path
        self.bytes_read = 0
        self._head = b""  # read already, to recognise compression
        self._raw: BinaryIO = (
            sys.stdin.buffer if path == STDIN else Path(path).open("rb")  # noqa: SIM115
        )

    def __exit__(self, *exception: object) -> None:
        if self._raw is not sys.stdin.buffer:
            self._raw.close()

    def read_blocks(self, encoding: str) -> Iterator[bytes]:
        """Yield the text as UTF-8 without a byte order mark; raise `Unreadable` where it ends."""
        return decode_blocks(self._decompressed(), encoding)

    def read(self, size: int) -> bytes:
        """Return the next bytes as they are in the file, first those that were looked at."""
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
            return taken
        block = self._raw.read(size)
        self.bytes_read += len(block)
        return block

    def _decompressed(self) -> Iterator[bytes]:
        self._head = self.read(BLOCK_BYTES)  # stdin cannot be rewound
        compression = find_compression(self._head)
        if not compression:
            while block := self.read(BLOCK_BYTES):
                yield block
            return
        with open_decompressed(cast("BinaryIO", self), compression) as unpacked:
            try:
                while block := unpacked.read(BLOCK_BYTES):
                    yield block
            except DAMAGE as error:
                raise Unreadable(f"the {compression} data is damaged: {error}") from error


def decode_blocks(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the blocks re-encoded as UTF-8; valid UTF-8 is passed on as it is.

    What precedes an undecodable byte is yielded before `Unreadable` is raised.
    """
    decoded = _decode(blocks, "utf-8" if is_utf8(encoding) else encoding)
    for block in decoded:
        if block:
            yield block.removeprefix(codecs.BOM_UTF8)
            break
    yield from decoded


def is_utf8(encoding: str) -> bool:
    """Return whether this is a name of UTF-8, with or without a byte order mark."""
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def _decode(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            # An ASCII block between two characters is its own UTF-8.
            is_plain = is_utf8(encoding) and block.isascii() and not decoder.getstate()[0]
            yield block if is_plain else decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        yield error.object[: error.start].decode(encoding).encode()
        raise Unreadable(f"not {encoding}: {error.reason}") from error
    except UnicodeError as error:  # UTF-16 and UTF-32 want a byte order mark
        raise Unreadable(f"not {encoding}: {error}") from error


def count_bytes(path: str) -> int | None:
    """Return the size of a regular file, None for a pipe or stdin."""
    if path == STDIN:
        return None
    status = Path(path).stat()
    return status.st_size if stat.S_ISREG(status.st_mode) else None
