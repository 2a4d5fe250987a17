"""A table's definition read while others change it: what is remembered is what was there."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import chain, count, repeat
from typing import Any, cast

import pytest
from psycopg import Connection

from ingest.catalog.definitions import Table
from ingest.writing.tables import WritableTables, exposed_tables
from project.base.errors import Unavailable
from tests.api.sending import execute, stored
from tests.database import log_in
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

Step = Callable[[], Any]
INDEX = "CREATE UNIQUE INDEX made_once ON hiring.made (id)"


class Interrupted:
    """A connection of the administrator on which others act before some of the statements."""

    def __init__(self, connection: Connection, steps: Iterator[Step]) -> None:
        self._connection, self._steps = connection, steps

    def execute(self, *arguments: Any) -> Any:
        next(self._steps)()
        return self._connection.execute(*arguments)


@pytest.fixture
def other() -> Iterator[Connection]:
    """Yield the session that changes the table."""
    with log_in() as session:
        yield session
        session.rollback()


def read_made(*steps: Step) -> Table:
    """Read hiring.made anew; each step is taken before the statement with its number."""
    registry = WritableTables(["hiring"], exposed_tables().limits)
    with log_in() as session:
        session.autocommit = True
        interrupted = Interrupted(session, chain(steps, repeat(nullcontext)))
        return registry.find(cast("Connection", interrupted), "made").table


def is_reader_waiting(holder: Connection) -> bool:
    blocked = "SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    with log_in() as session:
        return session.execute(blocked, [holder.info.backend_pid]).fetchone() is not None


def test_an_index_that_vanishes_while_it_is_read_is_not_remembered(
    other: Connection,
) -> None:
    # The default is what the reader waits for: it cannot be told while the table is locked.
    execute("CREATE TABLE hiring.made (id int DEFAULT 1)")

    def make_and_begin_to_drop() -> None:
        other.execute(INDEX)
        other.commit()
        other.execute("DROP INDEX hiring.made_once")

    with ThreadPoolExecutor(1) as pool:
        table = pool.submit(read_made, nullcontext, make_and_begin_to_drop)
        wait_until(lambda: is_reader_waiting(other), "the definition is being read")
        other.commit()
        assert table.result().unique_keys == ()


def test_an_index_that_was_there_only_while_it_was_read_is_not_remembered() -> None:
    execute("CREATE TABLE hiring.made (id int)")
    table = read_made(
        nullcontext, lambda: execute(INDEX), lambda: execute("DROP INDEX hiring.made_once")
    )
    assert table.unique_keys == ()


def test_an_index_that_appears_while_the_definition_is_read_is_remembered() -> None:
    execute("CREATE TABLE hiring.made (id int)")
    table = read_made(nullcontext, nullcontext, lambda: execute(INDEX))
    assert [key.name for key in table.unique_keys] == ["made_once"]


def test_a_table_that_is_made_anew_while_it_is_read_is_the_new_one() -> None:
    execute("CREATE TABLE hiring.made (id int)")

    def make_anew() -> None:
        execute("DROP TABLE hiring.made")
        execute("CREATE TABLE hiring.made (name text)")

    table = read_made(nullcontext, make_anew)
    assert [column.name for column in table.columns] == ["name"]
    assert [(table.oid,)] == stored("SELECT 'hiring.made'::regclass::oid::bigint")


def test_a_definition_that_never_stands_still_is_not_waited_for() -> None:
    execute("CREATE TABLE hiring.made (id int)")
    changes = (
        lambda number=number: execute(f"ALTER TABLE hiring.made ALTER id SET DEFAULT {number}")
        for number in count()
    )
    with pytest.raises(Unavailable):
        read_made(*(next(changes) for _ in range(100)))
