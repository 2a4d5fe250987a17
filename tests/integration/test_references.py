"""Foreign keys checked for a whole batch at once are as strict as PostgreSQL's own triggers."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from msgspec.structs import replace
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege, LockNotAvailable

from project.base.database import (
    UNCHECKED_ROLE,
    database_settings,
    reader_connection,
    report_connection,
    role_password,
    unchecked_connection,
    writer_connection,
)
from tests.api.sending import codes, counts, execute, send, stored
from tests.database import log_in
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def child(client: Client) -> Client:
    """Make hiring.parent with the rows 1 and 2, and hiring.child, which refers to it."""
    execute("CREATE TABLE hiring.parent (id integer PRIMARY KEY, note text)")
    execute("INSERT INTO hiring.parent VALUES (1), (2)")
    execute(
        "CREATE TABLE hiring.child (id integer PRIMARY KEY, p integer REFERENCES hiring.parent)"
    )
    return client


@pytest.fixture
def other() -> Iterator[psycopg.Connection]:
    with log_in() as session:
        session.execute("SET lock_timeout = '200ms'")
        session.commit()
        yield session
        session.rollback()


@pytest.fixture
def in_background() -> Iterator[Any]:
    """Return a function that sends a batch from another thread."""

    def work(*arguments: Any) -> Any:
        try:
            return send(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield lambda *arguments: pool.submit(work, *arguments)


def was_unchecked() -> bool:
    """Return whether a batch of this thread went over the connection without triggers."""
    return connections["unchecked"].connection is not None


def wait_for_a_blocked_batch() -> None:
    wait_until(
        lambda: stored(
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename LIKE 'ingest_%' AND wait_event_type = 'Lock'"
        ),
        "a batch waits for a lock",
    )


def test_a_batch_without_a_flaw_needs_no_trigger(child: Client) -> None:
    rows = [{"id": 1, "p": 1}, {"id": 2, "p": "2"}, {"id": 3, "p": None}, {"id": 4}]
    assert counts(send(child, "child", rows)) == (4, 4, 0, 0, 0)
    assert was_unchecked()
    session = unchecked_connection()
    assert session is not None
    assert session.execute("SHOW session_replication_role").fetchone() == ("replica",)
    assert stored("SELECT id, p FROM hiring.child ORDER BY id") == [
        (1, 1),
        (2, 2),
        (3, None),
        (4, None),
    ]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'[{"id": 1, "p": 1}, {"id": 2, "p": 3}]'),
        ("text/csv", b"id,p\n1,1\n2,3\n"),
        ("application/x-ndjson", b'{"id": 1, "p": 1}\n{"id": 2, "p": 3}\n'),
    ],
)
def test_a_row_without_its_parent_is_rejected(
    child: Client, content_type: str, body: bytes
) -> None:
    answer = send(child, "child", body, content_type=content_type)
    assert codes(answer.json()) == {1: [("fk_violation", "p")]}
    assert stored("SELECT id FROM hiring.child") == [(1,)]


def test_a_parent_stays_while_a_batch_that_refers_to_it_is_stored(
    child: Client, other: psycopg.Connection, in_background: Any
) -> None:
    with log_in() as holder:
        # The batch holds its parents and waits for what becomes of this row.
        holder.execute("INSERT INTO hiring.child VALUES (7, NULL)")
        batch: Future[Any] = in_background(child, "child", [{"id": 7, "p": 1}])
        wait_for_a_blocked_batch()
        with pytest.raises(LockNotAvailable):
            other.execute("DELETE FROM hiring.parent WHERE id = 1")
        other.rollback()
        with pytest.raises(LockNotAvailable):
            other.execute("UPDATE hiring.parent SET id = 9 WHERE id = 1")
        other.rollback()
        other.execute("UPDATE hiring.parent SET note = 'any' WHERE id = 1")
        other.commit()
        holder.rollback()
        assert counts(batch.result()) == (1, 1, 0, 0, 0)
    with pytest.raises(ForeignKeyViolation):
        other.execute("DELETE FROM hiring.parent WHERE id = 1")


def test_a_parent_stays_while_the_good_rows_of_a_batch_are_stored(
    child: Client, other: psycopg.Connection, in_background: Any
) -> None:
    with log_in() as holder:
        # The batch knows what is wrong with it and waits for what becomes of this row.
        holder.execute("INSERT INTO hiring.child VALUES (7, NULL)")
        rows = [{"id": 7, "p": 1}, {"id": 8, "p": 3}, {"id": "x", "p": 2}]
        batch: Future[Any] = in_background(child, "child", rows)
        wait_for_a_blocked_batch()
        with pytest.raises(LockNotAvailable):
            other.execute("DELETE FROM hiring.parent WHERE id = 1")
        other.rollback()
        holder.rollback()
        assert codes(batch.result().json()) == {
            1: [("fk_violation", "p")],
            2: [("not_integer", "id")],
        }
    with pytest.raises(ForeignKeyViolation):
        other.execute("DELETE FROM hiring.parent WHERE id = 1")


def send_beside_a_deletion(
    in_background: Any, child: Client, rows: list[dict[str, Any]], *, deleted: bool
) -> Any:
    """Send rows while another session deletes parent 2, which then stays deleted or does not."""
    with log_in() as holder:
        holder.execute("DELETE FROM hiring.parent WHERE id = 2")
        batch: Future[Any] = in_background(child, "child", rows)
        wait_for_a_blocked_batch()
        if deleted:
            holder.commit()
        else:
            holder.rollback()
        return batch.result().json()


@pytest.mark.parametrize("deleted", [True, False])
def test_a_bad_batch_waits_for_a_parent_that_is_being_deleted(
    child: Client, in_background: Any, deleted: bool
) -> None:
    rows: list[dict[str, Any]] = [{"id": 1, "p": 1}, {"id": 2, "p": 2}, {"id": "x", "p": "2"}]
    answer = send_beside_a_deletion(in_background, child, rows, deleted=deleted)
    missing = [("fk_violation", "p")] if deleted else []
    expected = {1: missing, 2: [*missing, ("not_integer", "id")]}
    assert codes(answer) == {index: found for index, found in expected.items() if found}
    assert stored("SELECT id FROM hiring.child WHERE p = 2") == ([] if deleted else [(2,)])


@pytest.mark.parametrize("deleted", [True, False])
def test_a_parent_that_is_being_deleted_is_waited_for(
    child: Client, in_background: Any, deleted: bool
) -> None:
    rows = [{"id": 1, "p": 1}, {"id": 2, "p": 2}]
    answer = send_beside_a_deletion(in_background, child, rows, deleted=deleted)
    expected = {1: [("fk_violation", "p")]} if deleted else {}
    assert codes(answer) == expected
    orphans = "SELECT FROM hiring.child WHERE p NOT IN (SELECT id FROM hiring.parent)"
    assert stored(orphans) == []


TRIGGER = """
CREATE FUNCTION hiring.double() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.id := NEW.id * 2; RETURN NEW; END $$;
CREATE TRIGGER double BEFORE INSERT ON hiring.child FOR EACH ROW EXECUTE FUNCTION hiring.double()
"""


def test_a_trigger_fires_from_the_next_batch_on(child: Client) -> None:
    send(child, "child", [{"id": 1, "p": 1}])
    assert was_unchecked()
    execute(TRIGGER)
    assert send(child, "child", [{"id": 5, "p": 1}]).status_code == 201
    assert stored("SELECT id FROM hiring.child ORDER BY id") == [(1,), (10,)]


def test_a_foreign_key_holds_from_the_next_batch_on(child: Client) -> None:
    execute("ALTER TABLE hiring.child ADD q integer")
    send(child, "child", [{"id": 1, "p": 1, "q": 5}])
    execute("CREATE TABLE hiring.second (id integer PRIMARY KEY)")
    execute("ALTER TABLE hiring.child ADD FOREIGN KEY (q) REFERENCES hiring.second NOT VALID")
    answer = send(child, "child", [{"id": 2, "p": 1, "q": 5}, {"id": 3, "p": 1}])
    assert codes(answer.json()) == {0: [("fk_violation", "q")]}


# Tables whose foreign keys are left to PostgreSQL, each with a bad row for id 2.
LEFT_ALONE = {
    "a default may refer to anything": "ALTER TABLE hiring.child ALTER p SET DEFAULT 3",
    "a table that refers to itself": (
        "ALTER TABLE hiring.child ADD own integer DEFAULT 8 REFERENCES hiring.child"
    ),
    "a key of several columns": (
        "ALTER TABLE hiring.parent ADD UNIQUE (id, note);"
        "ALTER TABLE hiring.child ADD note text DEFAULT 'x', ADD FOREIGN KEY (p, note)"
        " REFERENCES hiring.parent (id, note)"
    ),
    "another type": (
        "CREATE TABLE hiring.wide (id bigint PRIMARY KEY);"
        "ALTER TABLE hiring.child ADD w integer DEFAULT 5 REFERENCES hiring.wide"
    ),
    "a deferrable key": (
        "ALTER TABLE hiring.child ADD u integer DEFAULT 1 UNIQUE DEFERRABLE INITIALLY DEFERRED"
    ),
    "a key that is computed": (
        "ALTER TABLE hiring.child ADD g integer GENERATED ALWAYS AS (id % 2 + 1) STORED"
        " REFERENCES hiring.parent"
    ),
    "row security": "ALTER TABLE hiring.child ENABLE ROW LEVEL SECURITY",
}


@pytest.mark.parametrize("change", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_other_tables_are_left_to_postgresql(child: Client, change: str) -> None:
    execute(change)
    send(child, "child", [{"id": 1, "p": 1}])  # what was remembered of a table of this name is gone
    connections["unchecked"].close()
    send(child, "child", [{"id": 3, "p": 1}, {"id": 2}])
    assert not was_unchecked()


def test_what_a_computed_column_refers_to_must_be_there(child: Client) -> None:
    execute(
        "ALTER TABLE hiring.child ADD g integer GENERATED ALWAYS AS (id % 10) STORED"
        " REFERENCES hiring.parent"
    )
    assert counts(send(child, "child", [{"id": 11, "p": 1}, {"id": 12}])) == (2, 2, 0, 0, 0)
    answer = send(child, "child", [{"id": 21, "p": 1}, {"id": 23, "p": 1}])
    assert codes(answer.json()) == {1: [("fk_violation", "g")]}


def test_a_parent_that_ingest_may_not_lock_is_left_to_postgresql(child: Client) -> None:
    execute("REVOKE ALL ON hiring.parent FROM ingest_writer")
    assert counts(send(child, "child", [{"id": 1, "p": 1}])) == (1, 1, 0, 0, 0)
    (error,) = send(child, "child", [{"id": 2, "p": 3}]).json()["rejections"][0]["errors"]
    assert error["code"] == "fk_violation"


def test_batches_that_refer_crosswise_do_not_wait_for_each_other(
    child: Client, api_key: Any
) -> None:
    start = threading.Barrier(4)

    def work(number: int) -> int:
        try:
            start.wait()
            parents = [1, 2] if number % 2 else [2, 1]
            rows = [{"id": 100 * number + place, "p": parents[place % 2]} for place in range(100)]
            return int(send(child, "child", rows).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [201] * 4
    assert stored("SELECT count(*) FROM hiring.child") == [(400,)]


@pytest.mark.parametrize(
    ("changes", "has_unchecked"),
    [
        ({"pooler": "none"}, True),
        ({"pooler": "none", "separate_roles": False}, True),
        ({"foreign_keys": "row"}, False),
        ({"pooler": "transaction"}, True),
        ({"pooler": "transaction", "separate_roles": False}, False),
    ],
)
def test_the_settings_say_whether_there_is_such_a_connection(
    tmp_path: Path, changes: dict[str, Any], has_unchecked: bool
) -> None:
    databases = database_settings(
        url="postgresql://one@localhost/rowhouse",
        direct=settings.DIRECT_DATABASE,
        role="service",
        config=replace(settings.CONFIG.database, **changes),
        secrets_dir=tmp_path,
    )
    assert ("unchecked" in databases) == has_unchecked


def test_without_such_a_connection_postgresql_checks(
    child: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(connections.settings, "unchecked")
    assert unchecked_connection() is None
    assert codes(send(child, "child", [{"id": 1, "p": 3}]).json()) == {0: [("fk_violation", "p")]}
    assert counts(send(child, "child", [{"id": 1, "p": 1}])) == (1, 1, 0, 0, 0)


def test_the_role_for_poolers_brings_its_setting_and_is_a_writer(child: Client) -> None:
    server = settings.DIRECT_DATABASE | {"NAME": connections["default"].settings_dict["NAME"]}
    with psycopg.connect(
        host=server["HOST"],
        port=server["PORT"],
        dbname=server["NAME"],
        user=UNCHECKED_ROLE,
        password=role_password(UNCHECKED_ROLE, settings.SECRETS_DIR),
    ) as session:
        assert session.execute("SHOW session_replication_role").fetchone() == ("replica",)
        session.execute("INSERT INTO hiring.child VALUES (1, 3)")
        with pytest.raises(InsufficientPrivilege):
            session.execute("DELETE FROM service.batch")


@pytest.fixture
def swapping(child: Client) -> Iterator[Any]:
    """Exchange the names of hiring.parent and a table with the row 3, again and again."""
    execute("CREATE TABLE hiring.parent_next (id integer PRIMARY KEY, note text)")
    execute("INSERT INTO hiring.parent_next VALUES (3)")
    ends, cycles = threading.Event(), []

    def swap() -> None:
        with log_in() as session:
            while not ends.wait(0.02):
                session.execute("ALTER TABLE hiring.parent RENAME TO parent_old")
                session.execute("ALTER TABLE hiring.parent_next RENAME TO parent")
                session.execute("ALTER TABLE hiring.parent_old RENAME TO parent_next")
                session.commit()
                cycles.append(1)

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(swap)
        yield lambda: len(cycles)
        ends.set()
        work.result()


def test_no_row_dangles_while_a_referenced_table_is_swapped(child: Client, swapping: Any) -> None:
    stored_rows, number = 0, 0
    while swapping() < 100:
        number += 1
        # The key belongs to the table that has row 1 and not 3, whatever its name is now.
        good = send(child, "child", [{"id": 2 * number, "p": 1}])
        bad = send(child, "child", [{"id": 2 * number + 1, "p": 3}])
        assert good.status_code in {201, 503}, good.content
        assert bad.status_code in {422, 503}, bad.content
        stored_rows += good.status_code == 201
    assert stored("SELECT p, count(*) FROM hiring.child GROUP BY p") == [(1, stored_rows)]


@pytest.fixture
def repeatable_read() -> Iterator[None]:
    """Have REPEATABLE READ be the database's default for new sessions."""
    (name,) = stored("SELECT current_database()")[0]
    execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read'")
    connections.close_all()
    yield
    execute(f'ALTER DATABASE "{name}" RESET default_transaction_isolation')
    connections.close_all()


def test_the_isolation_level_is_not_the_databases_default(
    repeatable_read: None, child: Client
) -> None:
    for connect in (writer_connection, unchecked_connection, reader_connection, report_connection):
        session = connect()
        assert session is not None
        with session.transaction():
            level = session.execute("SHOW transaction_isolation").fetchone()
        assert level == ("read committed",)
