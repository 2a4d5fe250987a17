"""The media types that batches are written in."""

from dataclasses import dataclass
from typing import Literal

from ingest.errors import UnsupportedMediaType

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
        raise UnsupportedMediaType(
            "Rows are taken as application/json, application/x-ndjson or text/csv."
        )
    if body_format == "csv":
        codec = _csv_codecs.get(charset)
        if codec is None:
            raise UnsupportedMediaType(f"CSV in the character set {charset!r} is not understood")
        return MediaType(body_format, codec)
    if charset not in _utf8_names:
        raise UnsupportedMediaType("JSON is taken in UTF-8 only")
    return MediaType(body_format, "utf-8")
