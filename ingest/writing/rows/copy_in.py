"""COPY … FROM STDIN in several pieces, all of them asked for at once.

A cursor's `copy` asks for one, waits, sends it and waits again: that costs the client as much as
PostgreSQL gains by pieces.
"""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.generators import copy_to, execute
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn


def copy_in(connection: Connection, statement: str, pieces: Sequence[bytes]) -> int:
    """Give each piece of data to the COPY statement, all in the transaction that has begun.

    Returns the number of rows stored; raises PostgreSQL's error where it refuses a piece.
    """
    with connection.lock:
        return connection.wait(_converse(connection.pgconn, statement.encode(), pieces))


def _converse(server: PGconn, statement: bytes, pieces: Sequence[bytes]) -> PQGen[int]:
    stored = 0
    # One message with several statements: the simple query protocol of PostgreSQL.
    server.send_query(b";".join([statement] * len(pieces)))
    answers = yield from execute(server)
    for piece in pieces:
        if answers[-1].status != ExecStatus.COPY_IN:
            raise error_from_result(answers[-1])
        yield from copy_to(server, piece, flush=False)
        server.put_copy_end()
        # That piece is stored, and the next one may come.
        answers = yield from execute(server)
        stored += answers[0].command_tuples or 0
    if answers[-1].status != ExecStatus.COMMAND_OK:
        raise error_from_result(answers[-1])
    return stored
