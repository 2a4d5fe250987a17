"""COPY in several pieces: all of them are stored, or PostgreSQL says what it has against one."""

from collections.abc import Iterator

import pytest
from psycopg import Connection
from psycopg.errors import InvalidTextRepresentation, UndefinedTable, UniqueViolation

from ingest.writing.rows.copy_in import copy_in
from tests.database import log_in

pytestmark = pytest.mark.usefixtures("database")

STATEMENT = "COPY pg_temp.made FROM STDIN"
# More than a connection holds back until the server has read it.
MANY = 2_000_000


@pytest.fixture
def session(database: None) -> Iterator[Connection]:
    """Return a session with a temporary table of numbers."""
    with log_in() as connection:
        connection.execute("CREATE TEMP TABLE made (number integer PRIMARY KEY)")
        connection.commit()
        yield connection


def count_stored(session: Connection) -> int:
    (row,) = session.execute("SELECT count(*) FROM pg_temp.made").fetchall()
    return int(row[0])


@pytest.mark.parametrize("pieces", [[b"1\n"], [b"1\n2\n", b"3\n"], [b"1\n", b"", b"2\n3\n4\n"]])
def test_all_pieces_are_stored(session: Connection, pieces: list[bytes]) -> None:
    with session.transaction():
        assert copy_in(session, STATEMENT, pieces) == b"".join(pieces).count(b"\n")
    assert count_stored(session) == b"".join(pieces).count(b"\n")


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    ("bad", "error"), [(b"x\n", InvalidTextRepresentation), (b"1\n", UniqueViolation)]
)
def test_a_piece_that_is_refused_takes_the_others_with_it(
    session: Connection, place: int, bad: bytes, error: type[Exception]
) -> None:
    pieces = [b"1\n2\n", b"3\n", b"4\n"]
    pieces[place] += bad
    if place == 0 and error is UniqueViolation:
        pieces[0] += bad
    with pytest.raises(error), session.transaction():
        copy_in(session, STATEMENT, pieces)
    assert count_stored(session) == 0
    with session.transaction():
        assert copy_in(session, STATEMENT, [b"1\n"]) == 1


def test_an_error_is_told_though_much_is_still_to_be_sent(session: Connection) -> None:
    rest = b"1\n" * MANY
    with pytest.raises(InvalidTextRepresentation), session.transaction():
        copy_in(session, STATEMENT, [b"x\n" + rest, rest])
    assert count_stored(session) == 0


def test_a_statement_that_is_wrong_raises_its_error(session: Connection) -> None:
    with pytest.raises(UndefinedTable), session.transaction():
        copy_in(session, "COPY pg_temp.other FROM STDIN", [b"1\n", b"2\n"])
    assert count_stored(session) == 0
