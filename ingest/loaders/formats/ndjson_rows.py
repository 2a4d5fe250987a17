"""NDJSON text cut into lines without changing a byte of them."""

from collections.abc import Iterable, Iterator
from itertools import chain

from ingest.loaders.formats.rows import FileMalformed, Rows, Unreadable, refuse_long_row


def split_ndjson(blocks: Iterable[bytes]) -> Iterator[Rows]:
    """Yield the lines of UTF-8 NDJSON; blank lines are left out.

    The place of a row is its line, from 1. What is in a line is the service's to say.
    `FileMalformed`, naming the line, comes after the rows before the damage.
    """
    rest = b""
    line = 1
    try:
        for block in chain(blocks, [b"\n"]):
            data = rest + block
            cut = data.rfind(b"\n") + 1
            complete, rest = data[:cut], data[cut:]
            yield _lines(complete, line)
            line += complete.count(b"\n")
            refuse_long_row(rest, f"line {line}", line=line)
    except Unreadable as error:
        raise FileMalformed(f"line {line}: {error.message}", line=line) from error


def _lines(complete: bytes, line: int) -> Rows:
    texts = complete.split(b"\n")[:-1]
    if b"" not in texts and not any(map(bytes.isspace, texts)):
        return Rows(texts, range(line, line + len(texts)))
    kept = [(text, place) for place, text in enumerate(texts, line) if text.strip()]
    return Rows([text for text, _ in kept], [place for _, place in kept])
