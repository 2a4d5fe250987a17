"""Request bodies: read within limits, unpacked, and recognised by their media type."""

import zlib
from dataclasses import dataclass
from typing import Literal, Protocol

from ingest.errors import (
    BadLength,
    BodyEmpty,
    GzipBad,
    LengthRequired,
    TooLarge,
    UnsupportedMediaType,
)

CHUNK_BYTES = 1 << 20

Format = Literal["json", "ndjson", "csv"]
_formats: dict[str, Format] = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "text/csv": "csv",
}
_utf8_names = frozenset({"utf-8", "utf8", "us-ascii"})

# Character sets in which a CSV body may be written, by the names clients use for them.
_csv_codecs = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}


class ByteStream(Protocol):
    """What a body is read from."""

    def read(self, size: int = ..., /) -> bytes:
        """Return up to `size` bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a body is written in."""

    format: Format
    codec: str


def parse_media_type(content_type: str) -> MediaType:
    """Return the format and character set of a Content-Type header (RFC 9110, section 8.3).

    Raises `UnsupportedMediaType` for what no batch is written in: JSON is always UTF-8.
    """
    name, *parameters = (part.strip() for part in content_type.split(";"))
    body_format = _formats.get(name.lower())
    charset = "utf-8"
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    if body_format is None:
        raise UnsupportedMediaType
    if body_format == "csv":
        codec = _csv_codecs.get(charset)
        if codec is None:
            raise UnsupportedMediaType(f"CSV in the character set {charset!r} is not understood")
        return MediaType(body_format, codec)
    if charset not in _utf8_names:
        raise UnsupportedMediaType("JSON is taken in UTF-8 only")
    return MediaType(body_format, "utf-8")


def parse_length(content_length: str, *, is_chunked: bool) -> int | None:
    """Return the announced length, None for a chunked body.

    Raises `BadLength` where it is no number of bytes, `LengthRequired` where there is none.
    """
    if is_chunked:
        return None
    if not content_length:
        raise LengthRequired
    if not (content_length.isascii() and content_length.isdigit()):
        raise BadLength
    return int(content_length)


def read_body(
    stream: ByteStream, *, length: int | None, content_encoding: str, max_bytes: int
) -> bytes:
    """Return the whole body, unpacked.

    Raises `TooLarge` as soon as it is known to be larger than `max_bytes`, packed or unpacked;
    `BodyEmpty`, `GzipBad`, and `UnsupportedMediaType` for another encoding than gzip.
    """
    if length is not None and length > max_bytes:
        raise TooLarge(f"{length} bytes where {max_bytes} are taken", max_bytes=max_bytes)
    encoding = content_encoding.strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise UnsupportedMediaType(f"The content encoding {encoding!r} is not understood")
    body = _read_within(stream, max_bytes)
    if length is not None and len(body) != length:
        raise BadLength("The body ended before it was complete")
    if encoding in {"gzip", "x-gzip"} and body:
        body = unpack_gzip(body, max_bytes)
    if not body:
        raise BodyEmpty
    return body


def _read_within(stream: ByteStream, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := stream.read(min(CHUNK_BYTES, max_bytes + 1 - size)):
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes", max_bytes=max_bytes)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def unpack_gzip(packed: bytes, max_bytes: int) -> bytes:
    """Undo gzip (RFC 1952; members one after the other), never producing more than `max_bytes`."""
    unpacked = bytearray()
    while packed:
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(packed, max_bytes + 1 - len(unpacked))
        except zlib.error as error:
            raise GzipBad from error
        if len(unpacked) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes when unpacked", max_bytes=max_bytes)
        if not member.eof:
            raise GzipBad("The gzip body is cut short")
        packed = member.unused_data
    return bytes(unpacked)
