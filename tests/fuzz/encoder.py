"""Bodies thrown at compiled code that is watched by sanitizers: `python -m tests.fuzz.encoder`.

Arguments: the library, how many bodies, a seed, and `lie` to claim more room than there is. What
the sanitizers see ends the process.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from ingest.catalog.definitions import Column, Table
from ingest.validation.fields import Limits, make_fields
from ingest.validation.native import binding, library
from ingest.validation.native.binding import RowEncoder, make_encoder
from ingest.validation.native.encoded_rows import EncodedBatch
from tests.encodable import (
    BROKEN_PIECES,
    GOOD,
    ODD,
    PIECES,
    STRANGE_TOKENS,
    good_spellings,
    make_key,
    quote,
)

LIMITS = Limits(max_rows=20, max_row_bytes=20_000, max_depth=20, max_number_digits=1000)

# What a value may need beyond what it takes, with its size.
SPARE = 512 + 4

# The catalog's names and figures of types.
TYPES = {
    "smallint": ("int2", -1),
    "integer": ("int4", -1),
    "bigint": ("int8", -1),
    "real": ("float4", -1),
    "double precision": ("float8", -1),
    "numeric(12,2)": ("numeric", (12 << 16) + 2 + 4),
    "numeric": ("numeric", -1),
    "numeric(5,0)": ("numeric", (5 << 16) + 4),
    "numeric(1000,999)": ("numeric", (1000 << 16) + 999 + 4),
    "boolean": ("bool", -1),
    "text": ("text", -1),
    "varchar(5)": ("varchar", 5 + 4),
    "char(3)": ("bpchar", 3 + 4),
    "uuid": ("uuid", -1),
    "date": ("date", -1),
    "timestamp": ("timestamp", -1),
    "timestamp(0)": ("timestamp", 0),
    "timestamptz": ("timestamptz", -1),
    "timestamptz(3)": ("timestamptz", 3),
}

Call = Callable[[RowEncoder], EncodedBatch | None]


def make_column(name: str, base: str, type_mod: int, **changes: object) -> Column:
    """Return a column as the catalog would describe it."""
    kind = "text" if base in {"text", "varchar", "bpchar"} else "base"
    fields: dict[str, object] = dict.fromkeys(Column.__struct_fields__)
    fields |= {"name": name, "type": base, "base_type": base, "base": base, "kind": kind}
    fields |= {"type_mod": type_mod, "domain": False, "not_null": False, "identity": ""}
    return Column(**(fields | changes))  # type: ignore[arg-type]


def make_table(*, refers: bool) -> Table:
    """Return a table with a column of every type; two refer to another table if it `refers`."""
    columns = [
        make_column("needed", "int4", -1, not_null=True),
        make_column("preset", "int4", -1, not_null=True, default="1"),
        # The last of them may be null, which takes no more room than it fills.
        *(make_column(name, *made) for name, made in TYPES.items()),
    ]
    keys = tuple(map(make_key, ["text", "integer"]))
    fields: dict[str, object] = dict.fromkeys(Table.__struct_fields__, ())
    fields |= {"oid": 1, "schema": "made", "name": "made", "copyable": True}
    return Table(**(fields | {"columns": tuple(columns), "foreign_keys": keys if refers else ()}))  # type: ignore[arg-type]


def make_row_encoder(*, refers: bool) -> RowEncoder:
    """Return an encoder for that table."""
    table = make_table(refers=refers)
    encoder = make_encoder(table, make_fields(table, LIMITS), LIMITS)
    assert encoder is not None
    return encoder


class Bodies:
    """Random bodies, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def json(self) -> bytes:
        """Return an array of good rows."""
        names = self._choose_columns()
        rows = []
        for _ in range(self.random.randint(1, 6)):
            # Only what may be null may be missing in some rows.
            kept = [name for name in names if name not in TYPES or self.random.random() < 0.9]
            rows.append(",".join(f'"{name}":{self._token(name)}' for name in kept))
        return f"[{','.join(f'{{{row}}}' for row in rows)}]".encode()

    def csv(self) -> tuple[bytes, list[str]]:
        """Return good records without a header, and their columns."""
        names = self._choose_columns()
        lines = [
            ",".join(self._field(name) for name in names) for _ in range(self.random.randint(1, 6))
        ]
        return self.random.choice(["\n", "\r\n"]).join([*lines, ""]).encode(), names

    def damage(self, body: bytes) -> bytes:
        """Return a body with some bytes cut, replaced or inserted."""
        odd = [text for texts in ODD.values() for text in texts] + PIECES + BROKEN_PIECES
        odd += STRANGE_TOKENS
        for _ in range(self.random.randint(1, 3)):
            start = self.random.randint(0, len(body))
            end = min(len(body), start + self.random.choice([0, 0, 1, 1, 2, 20]))
            put = self.random.choice(
                [
                    b"",
                    bytes([self.random.randrange(256)]),
                    self.random.choice(odd).encode(),
                    self.random.choice([b'"', b"\\", b",", b"{", b"}", b"]", b"\0", b"\n", b'""']),
                ]
            )
            body = body[:start] + put + body[end:]
        return body[: self.random.randint(0, len(body))] if self.random.random() < 0.2 else body

    def _choose_columns(self) -> list[str]:
        names = self.random.sample(list(TYPES), self.random.randint(0, 6))
        return [*names, "needed", *self.random.sample(["preset"], self.random.randint(0, 1))]

    def _text(self, name: str) -> str:
        if name not in TYPES:
            return str(self.random.randint(0, 9))
        if name == "text" and self.random.random() < 0.1:
            return "x" * self.random.choice([511, 512, 513, 5000])
        return self.random.choice(GOOD.get(name, ["0", "0." + "1" * 300, "1.5"]))

    def _token(self, name: str) -> str:
        if name in TYPES and self.random.random() < 0.1:
            return "null"
        text = self._text(name)
        return self.random.choice(good_spellings(name, text)) if name in GOOD else quote(text)

    def _field(self, name: str) -> str:
        text = self._text(name)
        return f'"{text}"' if self.random.random() < 0.3 else text


def encode(encoder: RowEncoder, call: Call, room: int) -> tuple[EncodedBatch | None, int]:
    """Return what comes of a call whose first buffer has this many bytes, and the last one's."""
    binding._scratch.buffer = encoder._ffi.new("uint8_t[]", room)
    return call(encoder), len(binding._scratch.buffer)


def try_rooms(encoder: RowEncoder, call: Call, rooms: Sequence[int], *, is_good: bool) -> bool:
    """Encode a body into buffers of several sizes; return whether it is encoded, as in all."""
    whole, _ = encode(encoder, call, 1 << 20)
    if whole is None:
        if is_good:
            sys.exit("What is good was not encoded")
        for room in rooms:
            if encode(encoder, call, room)[0] is not None:
                sys.exit("A buffer's size decided whether a body is encoded")
        return False
    for name in encoder._watched:
        whole.read_column(name)
    size = len(whole.tuples)
    for room in [*rooms, size - 2, size - 1, size]:
        if encode(encoder, call, room)[0] != whole:
            sys.exit("A buffer's size decided what a body is encoded as")
    if is_good and encode(encoder, call, size + SPARE)[1] != size + SPARE:
        sys.exit("There was room enough")
    return True


def lie(encoder: RowEncoder, body: bytes) -> None:
    """Encode a body into a buffer that is smaller than the code is told."""
    room = encoder._ffi.new("uint8_t[]", 64)
    binding._scratch.buffer = encoder._ffi.cast("uint8_t (*)[1024]", room)[0]
    encoder.encode_json(body)


def run(count: int, seed: int) -> None:
    """Throw as many bodies, a third of them undamaged; say how many were encoded."""
    bodies = Bodies(seed)
    plain, referring = (make_row_encoder(refers=refers) for refers in (False, True))
    encoded = 0
    for number in range(count):
        is_good = number % 3 == 0
        names: list[str] = []
        if number % 2:
            body, names = bodies.csv()
        else:
            body = bodies.json()
        if not is_good:
            body = bodies.damage(body)

        def call(
            encoder: RowEncoder, body: bytes = body, names: list[str] = names
        ) -> EncodedBatch | None:
            return encoder.encode_csv(body, 0, names) if names else encoder.encode_json(body)

        # The values of references are read as text.
        is_text = body.decode(errors="ignore").encode() == body
        rooms = [bodies.random.randint(1, 40), bodies.random.randint(500, 3000)]
        encoder = bodies.random.choice([plain, referring]) if is_text else plain
        encoded += try_rooms(encoder, call, rooms, is_good=is_good)
    sys.stdout.write(f"{count} bodies, {encoded} encoded\n")


if __name__ == "__main__":
    library.LIBRARY = Path(sys.argv[1])
    if "lie" in sys.argv:
        lie(make_row_encoder(refers=False), b'[{"needed":1,"text":"' + b"x" * 300 + b'"}]')
    else:
        run(int(sys.argv[2]), int(sys.argv[3]))
