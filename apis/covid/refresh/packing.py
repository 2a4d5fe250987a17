"""Text compressed in pieces that can be concatenated in any order to one gzip file.

A piece is DEFLATE blocks up to a full flush: they end at a byte and refer to nothing before them
(RFC 1951; zlib, Z_FULL_FLUSH). Their CRCs are combined without looking at the text again.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # RFC 1952: no name, no time
_FINAL_BLOCK = b"\x03\x00"
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31  # the polynomial 1 in CRC-32's reversed order of bits
LEVEL = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """A compressed piece of text, with what `join` needs."""

    deflated: bytes
    size: int
    crc: int

    def unpack(self) -> bytes:
        """Return the text."""
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(self.deflated)


def pack(text: bytes, level: int = LEVEL) -> Piece:
    """Compress a piece."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)
    return Piece(deflated, len(text), zlib.crc32(text))


def join(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Yield the parts of a gzip file that holds the pieces' text one after another."""
    yield _HEADER
    crc = size = 0
    for piece in pieces:
        yield piece.deflated
        crc = combine_crcs(crc, piece.crc, piece.size)
        size += piece.size
    yield _FINAL_BLOCK + crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def count_joined(pieces: Iterable[Piece]) -> int:
    """Return the bytes of what `join` yields."""
    return len(_HEADER) + sum(len(piece.deflated) for piece in pieces) + len(_FINAL_BLOCK) + 8


def combine_crcs(first: int, second: int, second_size: int) -> int:
    """Return the CRC-32 of two concatenated texts from theirs."""
    return _multiply(_shift(second_size), first) ^ second


def _shift(size: int) -> int:
    """Return x to the power of eight times the size, modulo CRC-32's polynomial."""
    result, power = _ONE, 3
    while size:
        if size & 1:
            result = _multiply(_POWERS[power % 32], result)
        size >>= 1
        power += 1
    return result


def _multiply(a: int, b: int) -> int:
    """Multiply two polynomials modulo CRC-32's."""
    product, bit = 0, _ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _list_powers() -> list[int]:
    """Return x to the powers of two: 1, 2, 4 … 2**31; after that they repeat."""
    powers = [1 << 30]
    for _ in range(31):
        powers.append(_multiply(powers[-1], powers[-1]))
    return powers


_POWERS = _list_powers()
