"""Which rejections are of the same row, rejected for the same reasons."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from blake3 import blake3

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
        self._context = blake3(_encode([table, format_name, fields, nulls]))
        self._counts: Counter[bytes] = Counter()

    def digest(self, raw: bytes, reason: Reason) -> bytes:
        """Return the digest of a row that is rejected for a reason."""
        hashed = self._context.copy()
        hashed.update(_encode([reason.codes, reason.columns]))
        hashed.update(raw)
        digest = hashed.digest(DIGEST_BYTES)
        self._counts[digest] += 1
        if self._counts[digest] > 1:
            return blake3(b"%b%d" % (digest, self._counts[digest])).digest(DIGEST_BYTES)
        return digest
