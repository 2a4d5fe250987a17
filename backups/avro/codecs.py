"""The codecs of Avro blocks; unpacking never produces more than it is allowed to."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import cramjam
import zstandard

from backups.errors import FileRefused

Codec = Literal["snappy", "deflate", "zstandard", "null"]

Buffer = bytes | bytearray | memoryview

_CRC_BYTES = 4
_MAX_VARINT_BYTES = 5  # of snappy's length
_ADLER_BYTES = 4  # fastavro leaves some of zlib's checksum after a block's deflate data
_UNPACK_ERRORS = (
    *(zlib.error, OSError, lzma.LZMAError, EOFError),
    *(zstandard.ZstdError, cramjam.DecompressionError),
)
_ZSTANDARD_LEVEL = 3
_DEFLATE_LEVEL = 6
_MAX_MEMORY_BYTES = 1 << 27


def pack(codec: str, data: Buffer) -> Buffer:
    """Return a block's bytes as they are stored (Avro 1.12, Required and Optional Codecs)."""
    if codec == "null":
        return data
    if codec == "snappy":
        crc = zlib.crc32(data).to_bytes(_CRC_BYTES, "big")
        return bytes(cramjam.snappy.compress_raw(data)) + crc
    if codec == "deflate":
        packer = zlib.compressobj(_DEFLATE_LEVEL, wbits=-zlib.MAX_WBITS)
        return packer.compress(data) + packer.flush()
    if codec == "zstandard":
        return zstandard.ZstdCompressor(level=_ZSTANDARD_LEVEL).compress(data)
    raise ValueError(f"no block is written with the codec {codec!r}")


def unpack(codec: str, data: bytes, max_bytes: int) -> bytes:
    """Undo `pack`, and other tools' bzip2 and xz; raise `FileRefused` for what is not right."""
    if codec not in _UNPACKERS:
        raise FileRefused(f"The codec {codec[:50]!r} is not known")
    try:
        unpacked = _UNPACKERS[codec](data, max_bytes)
    except _UNPACK_ERRORS as error:
        raise FileRefused(f"A block is not {codec} data: {error}") from error
    if len(unpacked) > max_bytes:
        raise FileRefused(f"A block has more than {max_bytes} bytes when unpacked")
    return unpacked


def _unpack_whole(make_unpacker: Callable[[], Any], data: bytes, max_bytes: int) -> bytes:
    unpacker = make_unpacker()
    unpacked: bytes = unpacker.decompress(data, max_bytes + 1)
    if len(unpacked) <= max_bytes and (
        not unpacker.eof or len(unpacker.unused_data) > _ADLER_BYTES
    ):
        raise FileRefused("A block's packed data is cut short or has something after it")
    return unpacked


def _unpack_snappy(data: bytes, max_bytes: int) -> bytes:
    packed, crc = data[:-_CRC_BYTES], data[-_CRC_BYTES:]
    # The length is read first: a wrong one must not reserve memory.
    length = 0
    for number, byte in enumerate(packed[:_MAX_VARINT_BYTES]):
        length |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            break
    if length > max_bytes:
        raise FileRefused(f"A block has more than {max_bytes} bytes when unpacked")
    unpacked = bytes(cramjam.snappy.decompress_raw(packed))
    if zlib.crc32(unpacked).to_bytes(_CRC_BYTES, "big") != crc:
        raise FileRefused("A block's checksum is wrong")
    return unpacked


def _unpack_zstandard(data: bytes, max_bytes: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=_MAX_MEMORY_BYTES).stream_reader(data)
    chunks: list[bytes] = []
    while chunk := reader.read(max_bytes + 1 - sum(map(len, chunks))):
        chunks.append(chunk)
    return b"".join(chunks)


_UNPACKERS: dict[str, Callable[[bytes, int], bytes]] = {
    "null": lambda data, max_bytes: data,
    "snappy": _unpack_snappy,
    "deflate": partial(_unpack_whole, lambda: zlib.decompressobj(wbits=-zlib.MAX_WBITS)),
    "zstandard": _unpack_zstandard,
    "bzip2": partial(_unpack_whole, bz2.BZ2Decompressor),
    "xz": partial(_unpack_whole, partial(lzma.LZMADecompressor, memlimit=_MAX_MEMORY_BYTES)),
}
