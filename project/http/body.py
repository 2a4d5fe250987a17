"""Request bodies: read within limits, and unpacked."""

import zlib
from collections.abc import Mapping

from django.http import HttpRequest

from project.base.errors import RowhouseError, TooLarge, UnsupportedMediaType
from project.http.errors import BadLength, GzipBad, LengthRequired

CHUNK_BYTES = 1 << 20

# What can be wrong with any body.
BODY_ERRORS: tuple[type[RowhouseError], ...] = (BadLength, GzipBad, TooLarge, UnsupportedMediaType)

_PLAIN = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})
# A gzip body may be members one after the other, such as blocks of 64 KiB.
MAX_GZIP_MEMBERS = 1000
# What follows a member is copied each time: a piece of it, not the rest of the body.
PIECE_BYTES = 64 * 1024


def read_body(request: HttpRequest, *, max_bytes: int) -> bytes:
    """Return the whole body, unpacked.

    Raises `TooLarge` as soon as it is known to be larger than `max_bytes`, packed or unpacked;
    `LengthRequired`, `BadLength`, `GzipBad`, and `UnsupportedMediaType` for another encoding than
    gzip.
    """
    length = _read_length(request.META)
    if length is not None and length > max_bytes:
        raise TooLarge(f"{length} bytes where {max_bytes} are taken", max_bytes=max_bytes)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in _PLAIN and encoding not in _GZIP:
        raise UnsupportedMediaType(f"The content encoding {encoding!r} is not understood")
    body = _read_within(request, max_bytes)
    if length is not None and len(body) != length:
        raise BadLength("The body ended before it was complete")
    return _unpack_gzip(body, max_bytes) if encoding in _GZIP else body


def read_optional_body(request: HttpRequest, *, max_bytes: int) -> bytes:
    """Return the body as `read_body` does, nothing where the request has none."""
    try:
        return read_body(request, max_bytes=max_bytes)
    except LengthRequired:
        return b""


def _read_length(meta: Mapping[str, str]) -> int | None:
    """Return the announced length, None for a chunked body."""
    if "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    length = meta.get("CONTENT_LENGTH", "")
    if not length:
        raise LengthRequired
    if not (length.isascii() and length.isdigit()):
        raise BadLength
    return int(length)


def _read_within(request: HttpRequest, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := request.read(min(CHUNK_BYTES, max_bytes + 1 - size)):
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes", max_bytes=max_bytes)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _unpack_gzip(packed: bytes, max_bytes: int) -> bytes:
    """Undo gzip (RFC 1952; members one after the other), never producing more than `max_bytes`."""
    unpacked = bytearray()
    rest = memoryview(packed)
    for _ in range(MAX_GZIP_MEMBERS):
        rest = _unpack_member(rest, unpacked, max_bytes)
        if not rest:
            return bytes(unpacked)
    raise TooLarge(f"more than {MAX_GZIP_MEMBERS} gzip members", max_bytes=max_bytes)


def _unpack_member(packed: memoryview, unpacked: bytearray, max_bytes: int) -> memoryview:
    """Append what the first member holds; return the members after it."""
    member = zlib.decompressobj(wbits=31)
    at = 0
    while not member.eof:
        piece = packed[at : at + PIECE_BYTES]
        if not piece:
            raise GzipBad("The gzip body is cut short")
        try:
            unpacked += member.decompress(piece, max_bytes + 1 - len(unpacked))
        except zlib.error as error:
            raise GzipBad from error
        if len(unpacked) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes when unpacked", max_bytes=max_bytes)
        at += len(piece)
    return packed[at - len(member.unused_data) :]
