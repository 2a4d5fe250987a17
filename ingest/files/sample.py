"""The bytes of a file that are looked at: its beginning, middle and end, whatever its size."""

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from backports import zstd
from charset_normalizer import from_bytes

from project.base.errors import RowhouseError

# A file of this size is read to its end; of a larger one the beginning and two pieces.
HEAD_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024
_GUESSED_BYTES = 64 * 1024
_STEP_BYTES = 16 * 1024
_START_BYTES = 16
_WIDE = ("utf-16", "utf-32")

COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# OSError is how bzip2 tells it.
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zstd.ZstdError, OSError)


class FileDamaged(RowhouseError):
    """The file cannot be decompressed or decoded."""

    code = "file_damaged"


@dataclass(frozen=True, slots=True)
class Sample:
    """The text that was looked at, and how it stands in the file."""

    head: str
    pieces: Sequence[str]  # from the middle and the end, from the first whole line on
    is_whole: bool  # whether the head is all of it
    size: int | None  # bytes of the text, None where it is not known
    head_size: int  # bytes that the head stands in
    compression: str | None
    encoding: str
    start: bytes = b""  # the first bytes, decompressed
    encodings: Sequence[str] = ()  # others that would read the bytes too


def find_compression(head: bytes) -> str | None:
    """Return the compression that the first bytes of a file tell, None for none."""
    return next((name for magic, name in COMPRESSIONS.items() if head.startswith(magic)), None)


def open_decompressed(raw: BinaryIO, compression: str | None) -> BinaryIO:
    """Return a stream of what the stream holds."""
    match compression:
        case "gzip":
            return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
        case "zstd":
            return cast("BinaryIO", zstd.ZstdFile(raw))
        case "bzip2":
            return cast("BinaryIO", bz2.BZ2File(raw))
        case "xz":
            return cast("BinaryIO", lzma.LZMAFile(raw))
    return raw


def read_sample(path: str, encoding: str | None = None) -> Sample:
    """Return a sample of a regular file, its encoding told or found; raise what is damaged.

    Raises OSError and `FileDamaged`.
    """
    size = Path(path).stat().st_size
    with Path(path).open("rb") as raw:
        head = raw.read(HEAD_BYTES)
        if size <= HEAD_BYTES or find_compression(head):
            return take_sample(head, is_whole=size <= HEAD_BYTES, encoding=encoding)
        return _decode_all(head, _read_pieces(raw, size), size=size, encoding=encoding)


def take_sample(data: bytes, *, is_whole: bool = True, encoding: str | None = None) -> Sample:
    """Return the sample that the first bytes of a file make; raise `FileDamaged`."""
    compression = find_compression(data)
    if not compression and is_whole and len(data) > HEAD_BYTES:
        pieces = _read_pieces(BytesIO(data), len(data))
        return _decode_all(data[:HEAD_BYTES], pieces, size=len(data), encoding=encoding)
    if not compression:
        size = len(data) if is_whole else None
        return _decode_all(data[:HEAD_BYTES], size=size, encoding=encoding)
    head = _decompress(data, compression, is_whole=is_whole)
    size = len(head) if is_whole and len(head) < HEAD_BYTES else None
    return replace(_decode_all(head, size=size, encoding=encoding), compression=compression)


def _decode_all(
    head: bytes, pieces: Sequence[bytes] = (), *, size: int | None, encoding: str | None
) -> Sample:
    is_whole = len(head) == size
    others: Sequence[str] = ()
    if encoding is None:
        encoding, others = detect_encoding([head, *pieces], is_whole=is_whole)
    is_wide = encoding.startswith(_WIDE)
    return Sample(
        head=_decode(head, encoding),
        # Of several bytes a character a piece may begin amid one.
        pieces=[] if is_wide else [_decode(piece, encoding) for piece in pieces],
        is_whole=is_whole,
        size=size,
        head_size=len(head),
        compression=None,
        encoding=encoding,
        start=head[:_START_BYTES],
        encodings=others,
    )


def detect_encoding(pieces: Sequence[bytes], *, is_whole: bool = True) -> tuple[str, Sequence[str]]:
    """Return the encoding of a text's pieces, and others that would do where it is a guess.

    Unless the text is whole, its pieces may end amid a character.
    """
    for mark, name in _MARKS.items():
        if pieces[0].startswith(mark):
            return name, ()
    try:
        for piece in pieces:
            codecs.getincrementaldecoder("utf-8")().decode(piece, final=is_whole)
    except UnicodeDecodeError:
        return _guess(b"\n".join(pieces))
    return "utf-8", ()


def _guess(sample: bytes) -> tuple[str, Sequence[str]]:
    found = list(from_bytes(sample[:_GUESSED_BYTES]))
    names = list(dict.fromkeys(each.encoding.replace("_", "-") for each in found)) or ["cp1252"]
    return names[0], tuple(names[1:4]) or ("cp1252",)


def _decode(data: bytes, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    return decoder.decode(data)


def _read_pieces(raw: BinaryIO, size: int) -> list[bytes]:
    """Return a piece from the middle and one from the end, from their first whole line on."""
    pieces = []
    for at in (size // 2, size - PIECE_BYTES):
        raw.seek(at)
        piece = raw.read(PIECE_BYTES)
        pieces.append(piece[piece.find(b"\n") + 1 :])
    return pieces


def _decompress(data: bytes, compression: str, *, is_whole: bool) -> bytes:
    """Return what the first bytes of a compressed file hold, as far as they go."""
    stream = open_decompressed(BytesIO(data), compression)
    pieces: list[bytes] = []
    try:
        while sum(map(len, pieces)) < HEAD_BYTES and (piece := stream.read(_STEP_BYTES)):
            pieces.append(piece)
    except DAMAGE as error:
        if is_whole or not pieces:
            raise FileDamaged(f"the {compression} data is damaged: {error}") from error
    return b"".join(pieces)
