"""A JSON document's rows, cut out without changing a byte of them.

The document is an array of rows, or an object whose `rows` is that array. A stretch of elements is
cut at a closing brace and, put between brackets, given to msgspec: if that is an array, then the
cut is right, because JSON read from the left has one meaning. Only what this cannot solve (deep
nesting, values that are not objects, damage) is read token by token.
"""

import json
import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto

import msgspec

from ingest.loaders.formats.json_text import find_problem
from ingest.loaders.formats.rows import (
    LONGEST_ROW_BYTES,
    FileMalformed,
    Rows,
    Unreadable,
    refuse_long_row,
)

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode

# Cuts tried before a stretch is read token by token; each costs one decoding of the stretch.
_TRIES = 32
_SPACE = b" \t\r\n"
# A string, a structural character, or the quote of a string that is cut off.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],"]', re.DOTALL)
# What follows the name of a member: its value's first character.
_VALUE = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+(?P<first>[^ \t\r\n])")
_DEPTH = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_NO_ROWS = 'the document is neither an array of rows nor {"rows": [...]}'


def split_json(blocks: Iterable[bytes]) -> Iterator[Rows]:
    """Yield the elements of the document's array of rows.

    The place of a row is its index, from 0. `FileMalformed`, naming the index, comes after the
    rows before the damage.
    """
    document = _Document()
    pending = b""
    enough = 0
    try:
        for block in blocks:
            pending += block
            if len(pending) < enough:
                continue
            rows, pending = document.take_rows(pending)
            yield rows
            document.raise_damage()
            # A row longer than a block is not read again until there is twice as much of it.
            enough = 0 if rows.texts else min(2 * len(pending), LONGEST_ROW_BYTES)
            refuse_long_row(pending, f"row {document.index}", index=document.index)
    except Unreadable as error:
        raise document.damage(error.message) from error
    rows, pending = document.take_rows(pending)
    yield rows
    document.finish(pending)


class _State(Enum):
    """Where in the document the unread text begins."""

    OPENING = auto()  # before the array of rows
    FIRST = auto()  # after its bracket: a row or the end
    AFTER_ROW = auto()  # a comma or the end
    AFTER_COMMA = auto()  # a row
    TAIL = auto()  # after the array


class _Document:
    """What is known of the document so far; only its unread text is kept outside."""

    def __init__(self) -> None:
        self.index = 0  # of the next row
        self._state = _State.OPENING
        self._head = b""  # the text around the array, to be checked in the end
        self._damage: FileMalformed | None = None

    def take_rows(self, text: bytes) -> tuple[Rows, bytes]:
        """Return the complete rows the text begins with and the text after them."""
        texts: list[bytes] = []
        first = self.index
        while not self._damage:
            state, length = self._state, len(text)
            text = self._step(text, texts)
            if (self._state, len(text)) == (state, length):
                break
        return Rows(texts, range(first, self.index)), text

    def damage(self, problem: str) -> FileMalformed:
        """Return the error for damage at the next row."""
        return FileMalformed(f"row {self.index} (from 0): {problem}", index=self.index)

    def raise_damage(self) -> None:
        """Raise the damage that ended the last rows, if there was any."""
        if self._damage:
            raise self._damage

    def finish(self, tail: bytes) -> None:
        """Raise `FileMalformed` unless the document is whole and all of it was read."""
        self.raise_damage()
        if self._state is _State.OPENING:
            raise FileMalformed(_NO_ROWS)
        if self._state is not _State.TAIL:
            raise self.damage("the document ends before its array of rows does")
        try:
            frame = json.loads(self._head + b"]" + tail, object_pairs_hook=list)
        except (ValueError, RecursionError) as error:
            raise FileMalformed(f"after the array of rows: {error}") from error
        if [name for name, _ in frame].count("rows") > 1:
            raise FileMalformed('the document has more than one "rows"')

    def _step(self, text: bytes, texts: list[bytes]) -> bytes:
        if self._state is _State.TAIL:
            return text
        if self._state is _State.OPENING:
            return self._open(text)
        text = text.lstrip(_SPACE)
        if not text:
            return text
        if self._state is _State.AFTER_ROW:
            return self._pass_separator(text)
        if self._state is _State.FIRST and text.startswith(b"]"):
            return self._pass_separator(text)
        rest = self._cut_at_brace(text, texts)
        return self._cut_by_tokens(text, texts) if rest is None else rest

    def _open(self, text: bytes) -> bytes:
        start = _find_array(text)
        if start:
            self._head = text[:start]
            self._state = _State.FIRST
        return text[start:]

    def _pass_separator(self, text: bytes) -> bytes:
        if text.startswith(b","):
            self._state = _State.AFTER_COMMA
        elif text.startswith(b"]"):
            self._state = _State.TAIL
        else:
            self._damage = self.damage("a comma or the end of the array is missing before it")
            return text
        return text[1:]

    def _cut_at_brace(self, text: bytes, texts: list[bytes]) -> bytes | None:
        end = len(text)
        for _ in range(_TRIES):
            end = text.rfind(b"}", 0, end)
            if end < 0:
                return None
            try:
                rows = _decode_list(b"[%b]" % text[: end + 1])
            except (msgspec.DecodeError, RecursionError):
                continue
            texts += map(bytes, rows)
            self.index += len(rows)
            self._state = _State.AFTER_ROW
            return text[end + 1 :]
        return None

    def _cut_by_tokens(self, text: bytes, texts: list[bytes]) -> bytes:
        done = 0
        for end in _find_row_ends(text):
            row = text[done:end].strip(_SPACE)
            problem = find_problem(row) if row else "a row is missing here"
            if problem:
                self._damage = self.damage(problem)
                break
            texts.append(row)
            self.index += 1
            if text[end : end + 1] == b"]":
                self._state = _State.AFTER_ROW
                return text[end:]
            self._state = _State.AFTER_COMMA
            done = end + 1
        return text[done:]


def _find_array(text: bytes) -> int:
    """Return the position after the bracket that opens the array of rows, 0 if it is yet to come.

    Raises `FileMalformed` where the document has no such array.
    """
    opening = text.lstrip(_SPACE)[:1]
    if opening == b"[":
        return text.index(b"[") + 1
    if opening not in b"{":
        raise FileMalformed(_NO_ROWS)
    depth = 0
    for token in _TOKEN.finditer(text):
        kind = token.group()
        if kind == b'"':
            break
        depth += _DEPTH.get(kind, 0)
        if depth == 0:
            raise FileMalformed(_NO_ROWS)
        value = _VALUE.match(text, token.end()) if depth == 1 and kind == b'"rows"' else None
        if value and value["first"] != b"[":
            raise FileMalformed(_NO_ROWS)
        if value:
            return value.end()
    return 0


def _find_row_ends(text: bytes) -> Iterator[int]:
    """Yield where each row of an array's inside ends: its commas, then its closing bracket."""
    depth = 0
    for token in _TOKEN.finditer(text):
        kind = token.group()
        if kind == b'"':
            return
        if depth == 0 and kind in (b",", b"]"):
            yield token.start()
            if kind == b"]":
                return
        depth += _DEPTH.get(kind, 0)
