"""Which rejections are of the same row, rejected for the same reasons."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from ingest.outcome import Reason

DIGEST_BYTES = 16

_encode = msgspec.json.Encoder().encode


class Sightings:
    """Digests of rejected rows that mean the same wherever the same row comes again.

    Equal rows of one batch are told apart by their order. `fields` are the columns of CSV records,
    `nulls` the words that mean null in them.
    """

    def __init__(
        self, table: str, format_name: str, fields: Sequence[str] | None, nulls: Sequence[str]
    ) -> None:
        context = _encode([table, format_name, fields, nulls])
        self._context = blake2b(context, digest_size=DIGEST_BYTES)
        self._counts: dict[str, int] = {}

    def begin(self, reason: Reason) -> blake2b:
        """Return the beginning of the digests of all rows that are rejected for a reason."""
        begun = self._context.copy()
        begun.update(_encode([reason.codes, reason.columns]))
        return begun

    def digest(self, raw: bytes, begun: blake2b) -> str:
        """Return the hexadecimal digest of a row, begun by the reason it is rejected for."""
        hashed = begun.copy()
        hashed.update(raw)
        digest = hashed.hexdigest()
        count = self._counts[digest] = self._counts.get(digest, 0) + 1
        if count > 1:
            repeated = f"{digest} {count}".encode()
            return blake2b(repeated, digest_size=DIGEST_BYTES).hexdigest()
        return digest
