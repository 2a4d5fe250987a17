"""The final read: what is stored, logged and receipted when everything has healed."""

from psycopg import Connection

from tests.faults.clients import TABLE
from tests.faults.history import COUNTS, Final

_STORED = "SELECT element, count(*) FROM hiring.elements GROUP BY element"
_REJECTED = """
SELECT (convert_from(raw, 'UTF8')::json ->> 'element')::bigint, count(*)
FROM service.rejection WHERE table_name = %s GROUP BY 1
"""
_RECEIPTS = """
SELECT id::text, received, inserted, updated, ignored, rejected FROM service.batch
WHERE table_name = %s
"""
_ORPHANS = """
SELECT element FROM hiring.elements
WHERE NOT EXISTS (SELECT FROM hiring.parents WHERE id = parent) ORDER BY 1
"""


def read_final(connection: Connection) -> Final:
    """Read everything in one snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        stored = connection.execute(_STORED).fetchall()
        rejected = connection.execute(_REJECTED, [TABLE]).fetchall()
        receipts = connection.execute(_RECEIPTS, [TABLE]).fetchall()
        orphans = connection.execute(_ORPHANS).fetchall()
    assert all(len(counts) == len(COUNTS) for _, *counts in receipts)
    return Final(
        stored=dict(stored),
        rejected=dict(rejected),
        receipts={batch: tuple(counts) for batch, *counts in receipts},
        orphans=tuple(element for (element,) in orphans),
    )
