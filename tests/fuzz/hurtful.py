"""Request bodies made to hurt: much work, or much memory, for few bytes."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

INGEST = "/api/ingest/every_type"
OPEN311 = "/open311/api"
METRICS = "/mds/metrics"
BACKUPS = "/api/backups"
LOGIN = "/login/"

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
AVRO = "application/avro"
GZIP = {"Content-Encoding": "gzip"}

# A little less than a row may have.
ROW_BYTES = 1_000_000
LONG_NUMBER = b"1" * 1200
EMPTY_MEMBER = gzip.compress(b"", mtime=0)
MEMBER = gzip.compress(b" ", mtime=0)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Bodies of one kind; `write` makes one of about so many bytes."""

    address: str = INGEST
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    write: Callable[[int], bytes]


def repeat(piece: bytes, size: int) -> bytes:
    """Return a piece repeated up to a number of bytes."""
    return piece * (size // len(piece))


def around(start: bytes, piece: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    """Return what writes a piece again and again between two others."""
    return lambda size: start + repeat(piece, size) + end


def rows(column: bytes, start: bytes, piece: bytes, end: bytes) -> Callable[[int], bytes]:
    """Return what writes rows, as long as they may be, with such a value in one column."""

    def write(size: int) -> bytes:
        length = min(size, ROW_BYTES)
        value = start + repeat(piece, length) + end
        return b"[%b]" % b",".join(
            b'{"id":%d,"%b":%b}' % (number, column, value) for number in range(size // length)
        )

    return write


def short_rows(column: bytes, value: bytes) -> Callable[[int], bytes]:
    """Return what writes as many rows as a batch may have with the same value in one column."""

    def write(size: int) -> bytes:
        filled = value.replace(b"?", b"")
        longer = value.replace(b"?", repeat(b"0", max(1, size // 1000 - len(filled))))
        return b"[%b]" % b",".join(
            b'{"id":%d,"%b":%b}' % (number, column, longer) for number in range(1000)
        )

    return write


def records(column: bytes, start: bytes, piece: bytes, end: bytes) -> Callable[[int], bytes]:
    """Return what writes CSV records, as long as they may be, with such a field."""

    def write(size: int) -> bytes:
        length = min(size, ROW_BYTES)
        text = start + repeat(piece, length) + end
        lines = (b'%d,"%b"\n' % (number, text) for number in range(size // length))
        return b"id,%b\n" % column + b"".join(lines)

    return write


KINDS: dict[str, Kind] = {
    "an unclosed string before brackets": Kind(
        write=lambda size: b'[{"id":1,"words":"' + repeat(b'\\"', size) + b"[" * 40
    ),
    "an unclosed string before a number": Kind(
        write=lambda size: b'[{"id":1,"words":"' + repeat(b'\\"', size) + LONG_NUMBER
    ),
    "a long number beside a string": Kind(
        write=around(b'[{"id":%b,"words":"' % LONG_NUMBER, b"x", b'"}]')
    ),
    "a long number beside escapes": Kind(
        write=around(b'[{"id":%b,"words":"' % LONG_NUMBER, b'\\"', b'"}]')
    ),
    "a long number beside strings": Kind(
        write=around(b'[{"id":1,"words":"%b","names":[' % LONG_NUMBER, b'"a",', b'"b"]}]')
    ),
    "brackets that open": Kind(write=around(b"", b"[")),
    "empty arrays as rows": Kind(write=around(b"[", b"[],", b"[]]")),
    "numbers as rows": Kind(write=around(b"[", b"1,", b"1]")),
    "empty objects as rows": Kind(write=around(b"[", b"{},", b"{}]")),
    "empty arrays in documents": Kind(write=rows(b"plain_json", b"[", b"[],", b"1]")),
    "nested arrays in documents": Kind(
        write=rows(b"plain_json", b"[", b"[" * 20 + b"]" * 20 + b",", b"1]")
    ),
    "strings with brackets in documents": Kind(write=rows(b"plain_json", b"[", b'"[",', b"1]")),
    "numbers in documents": Kind(write=rows(b"plain_json", b"[", b"1,", b"1]")),
    "objects in documents": Kind(write=rows(b"binary_json", b"[", b'{"a":1},', b"1]")),
    "a repeated key in documents": Kind(
        write=rows(b"binary_json", b"[", b'{"a":1},', b'{"a":1,"a":1}]')
    ),
    "numbers in arrays": Kind(write=rows(b"numbers", b"[", b"1,", b"1]")),
    "numbers before a word in arrays": Kind(write=rows(b"numbers", b"[", b"1,", b'"x"]')),
    "arrays in arrays": Kind(write=rows(b"numbers", b"[", b"[1],", b'["x"]]')),
    "unknown keys beside rows": Kind(write=around(b'{"rows":[],"x":[', b"1,", b"1]}")),
    "a string for rows": Kind(write=around(b'"', b"x", b'"')),
    "long digits": Kind(write=rows(b"free", b'"1', b"1", b'"')),
    "long fractions": Kind(write=rows(b"free", b'"1.', b"0", b'"')),
    "long digits of a double": Kind(write=rows(b"double", b'"1', b"1", b'"')),
    "long fractions of a double": Kind(write=rows(b"double", b'"1.', b"1", b'"')),
    "many long doubles": Kind(write=short_rows(b"double", b'"1.?1"')),
    "many small doubles": Kind(write=short_rows(b"double", b"0.%b1" % (b"0" * 299))),
    "many exponents": Kind(write=short_rows(b"free", b"1e-999999999")),
    "many long integers": Kind(write=short_rows(b"big", b'"1?"')),
    "intervals of many units": Kind(write=rows(b"span", b'"', b"1 day ", b'"')),
    "timestamps with zeros": Kind(write=short_rows(b"instant", b'"2020-01-01T00:00:00.?Z"')),
    "long uuids": Kind(write=short_rows(b"ident", b'"?"')),
    "bytes with a bad end": Kind(write=rows(b"bytes", b'"\\\\x', b"00", b'!"')),
    "points of many numbers": Kind(write=rows(b"place", b'"', b"1e5,", b'"')),
    "many keys": Kind(
        write=lambda size: b"[{%b}]" % b",".join(b'"%x":1' % key for key in range(size // 9))
    ),
    "repeated keys": Kind(write=around(b"[{", b'"id":1,', b'"id":1}]')),
    "half surrogate pairs": Kind(write=rows(b"words", b'"', b"\\ud800", b'"')),
    "half a pair beside numbers": Kind(
        write=around(b'[{"id":1,"words":"\\ud800","plain_json":[', b"1,", b"1]}]")
    ),
    "escapes": Kind(write=rows(b"words", b'"', b"\\u0041", b'"')),
    "characters of zero": Kind(write=rows(b"words", b'"', b"\\u0000", b'"')),
    "white space": Kind(write=around(b"[", b" ", b"]")),
    "empty lines": Kind(media_type=NDJSON, write=around(b"", b"\n")),
    "lines of spaces": Kind(media_type=NDJSON, write=around(b"", b" \n")),
    "lines of numbers": Kind(media_type=NDJSON, write=around(b"", b"1\n")),
    "lines of objects": Kind(media_type=NDJSON, write=around(b"", b"{}\n")),
    "empty CSV lines": Kind(media_type=CSV, write=around(b"id,words\n", b"\n")),
    "empty CSV lines of an old Mac": Kind(media_type=CSV, write=around(b"id,words\n", b"\r")),
    "short CSV records": Kind(media_type=CSV, write=around(b"id,words\n", b"1\n")),
    "short CSV records in quotes": Kind(media_type=CSV, write=around(b"id,words\n", b'""\n')),
    "an unclosed quote": Kind(media_type=CSV, write=around(b'id,words\n1,"', b'""')),
    "quotes over lines": Kind(media_type=CSV, write=around(b"id,words\n", b'1,"\n')),
    "a record of commas": Kind(media_type=CSV, write=around(b"id,words\n", b",")),
    "a record of quotes": Kind(media_type=CSV, write=around(b"id,words\n", b'"",')),
    "text after a quote": Kind(media_type=CSV, write=around(b"id,words\n", b'"",', b'""x')),
    "a header of many names": Kind(media_type=CSV, write=around(b"", b"a,", b"a\n1")),
    "an array's text": Kind(media_type=CSV, write=records(b"names", b"{", b"a,", b"}")),
    "an array's unclosed text": Kind(media_type=CSV, write=records(b"names", b'{""', b"\\a", b"")),
    "an array's spaces": Kind(media_type=CSV, write=records(b"names", b"{a", b" ", b"\\")),
    "a document's brackets": Kind(media_type=CSV, write=records(b"plain_json", b"", b"[", b"")),
    "a document's unclosed text": Kind(
        media_type=CSV, write=records(b"plain_json", b"[" * 40 + b'""', b'\\""', b"")
    ),
    "UTF-16": Kind(
        media_type=f"{CSV}; charset=utf-16",
        write=lambda size: ("id,words\n" + "1,€\n" * (size // 8)).encode("utf-16"),
    ),
    "empty members of gzip": Kind(headers=GZIP, write=around(b"", EMPTY_MEMBER)),
    "short members of gzip": Kind(headers=GZIP, write=around(b"", MEMBER)),
    "a bomb of gzip": Kind(headers=GZIP, write=lambda size: gzip.compress(b" " * size * 4)),
    "a long name in gzip": Kind(headers=GZIP, write=around(b"\x1f\x8b\x08\x08" + b"\0" * 6, b"a")),
    "Avro": Kind(media_type=AVRO, write=around(b"Obj\x01", b"\0")),
    "Open311, gzip": Kind(address=OPEN311, headers=GZIP, write=around(b"", EMPTY_MEMBER)),
    "Open311, brackets": Kind(address=OPEN311, write=around(b'{"method":', b"[")),
    "Open311, digits": Kind(address=OPEN311, write=around(b'{"method":', b"1", b"}")),
    "Open311, a form": Kind(address=OPEN311, media_type=FORM, write=around(b"", b"a=1&")),
    "Open311, escapes": Kind(address=OPEN311, media_type=FORM, write=around(b"method=", b"%41")),
    "metrics, brackets": Kind(address=METRICS, write=around(b'{"measures":', b"[")),
    "metrics, objects": Kind(address=METRICS, write=around(b'{"measures":[', b"{},", b"{}]}")),
    "a backup of many tables": Kind(address=BACKUPS, write=around(b'{"tables":[', b'"",', b'""]}')),
    "a form of many fields": Kind(address=LOGIN, media_type=FORM, write=around(b"", b"a=1&")),
    "a form of many parts": Kind(
        address=LOGIN,
        media_type=MULTIPART,
        write=around(b"", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'),
    ),
}
