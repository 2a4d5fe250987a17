"""Avro object container files (Avro 1.12), written and strictly read: header, blocks, sync markers.

The reader raises `FileRefused` for whatever it does not expect, and nothing in a file makes it
allocate more memory than its limits say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import msgspec

from backups.avro.codecs import Buffer, unpack
from backups.errors import FileRefused

MAGIC = b"Obj\x01"
SYNC_BYTES = 16
MAX_HEADER_BYTES = 4 << 20
MAX_HEADER_ENTRIES = 1000
MAX_BLOCK_BYTES = 256 << 20  # packed or not
MAX_LONG_BYTES = 10


@dataclass(frozen=True)
class Header:
    """What a file says about itself."""

    schema: Any
    codec: str
    sync: bytes


@dataclass(frozen=True)
class Block:
    """Some records, unpacked but not decoded."""

    count: int
    data: bytes


def encode_long(value: int) -> bytes:
    """Return an int or long as Avro writes it (zigzag, seven bits a byte)."""
    number = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while number > 0x7F:
        encoded.append((number & 0x7F) | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def encode_header(schema: bytes, codec: str, sync: bytes) -> bytes:
    """Return the bytes before the first block."""
    entries = {b"avro.schema": schema, b"avro.codec": codec.encode()}
    parts = [MAGIC, encode_long(len(entries))]
    for key, value in entries.items():
        parts += [encode_long(len(key)), key, encode_long(len(value)), value]
    return b"".join([*parts, encode_long(0), sync])


def encode_block(count: int, packed: Buffer, sync: bytes) -> bytes:
    """Return a block of packed records."""
    size = len(memoryview(packed))
    return b"".join([encode_long(count), encode_long(size), packed, sync])


class ContainerReader:
    """Reads one file from its start; `header` is there at once, `blocks` go on from there."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size
        self.header = self._read_header()

    def blocks(self) -> Iterator[Block]:
        """Yield every block, unpacked; raise `FileRefused` at the first flaw."""
        while self._left:
            count = self._read_long()
            if count < 0:
                raise FileRefused("A block's record count is negative")
            packed = self._read(self._read_length(MAX_BLOCK_BYTES))
            if self._read(SYNC_BYTES) != self.header.sync:
                raise FileRefused("A block does not end with the file's sync mark")
            data = unpack(self.header.codec, packed, MAX_BLOCK_BYTES)
            # Every record that is accepted has at least a byte: a higher count must be wrong.
            if count > len(data) or (data and not count):
                raise FileRefused(f"A block claims {count} records in {len(data)} bytes")
            yield Block(count, data)

    def _read_header(self) -> Header:
        if self._read(len(MAGIC)) != MAGIC:
            raise FileRefused("This is not an Avro file: it does not begin with Obj and 1")
        metadata = self._read_metadata()
        try:
            schema = msgspec.json.decode(metadata["avro.schema"])
            codec = metadata.get("avro.codec", b"null").decode("ascii")
        except KeyError as error:
            raise FileRefused("The file has no schema") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise FileRefused("The file's schema or codec cannot be read") from error
        return Header(schema, codec, self._read(SYNC_BYTES))

    def _read_metadata(self) -> dict[str, bytes]:
        metadata: dict[str, bytes] = {}
        while count := self._read_long():
            if count < 0:  # the size of the entries follows, for those who want to skip them
                count = -count
                self._read_length(MAX_HEADER_BYTES)
            if len(metadata) + count > MAX_HEADER_ENTRIES:
                raise FileRefused("The file's header has too many entries")
            for _ in range(count):
                key = self._read(self._read_length(1000)).decode("utf-8", "replace")
                if key in metadata:
                    raise FileRefused("An entry stands twice in the file's header")
                metadata[key] = self._read(self._read_length(MAX_HEADER_BYTES))
        return metadata

    def _read_length(self, limit: int) -> int:
        length = self._read_long()
        if not 0 <= length <= min(limit, self._left):
            raise FileRefused(f"A length of {length} bytes where {self._left} are left")
        return length

    def _read_long(self) -> int:
        number = 0
        for shift in range(0, 7 * MAX_LONG_BYTES, 7):
            byte = self._read(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if number >> 64:
                    break
                return (number >> 1) ^ -(number & 1)
        raise FileRefused("A number has more than 64 bits")

    def _read(self, size: int) -> bytes:
        data = self._file.read(size) if size <= self._left else b""
        if len(data) != size:
            raise FileRefused("The file is cut short")
        self._left -= size
        return data
