"""What each database role may and may not do."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from psycopg.sql import SQL, Identifier

from project.base.database import ROLES, SERVICE_ROLE, UNCHECKED_ROLE, WRITER_ROLE, role_password
from project.schema.roles import apply_roles, end_long_readers, repair_roles

pytestmark = pytest.mark.usefixtures("database")

Login = Callable[[str], psycopg.Connection]


@pytest.fixture
def log_in() -> Iterator[Login]:
    opened = []

    def log_in(role: str) -> psycopg.Connection:
        server = connection.settings_dict
        opened.append(
            psycopg.connect(
                host=server["HOST"],
                port=server["PORT"],
                dbname=server["NAME"],
                user=role,
                password=role_password(role, settings.SECRETS_DIR),
                autocommit=True,
            )
        )
        return opened[-1]

    yield log_in
    for login in opened:
        login.close()


def run_as_administrator(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_writer_reads_and_writes_dataset_rows(log_in: Login) -> None:
    writer = log_in(WRITER_ROLE)
    writer.execute("INSERT INTO hiring.jobs VALUES (1, 'Nurse')")
    writer.execute("UPDATE hiring.jobs SET job_name = 'Midwife'")
    assert writer.execute("SELECT * FROM hiring.jobs").fetchall() == [(1, "Midwife")]
    writer.execute("DELETE FROM hiring.jobs")


def test_a_table_made_later_by_hand_is_open_to_the_roles_at_once(log_in: Login) -> None:
    run_as_administrator("CREATE TABLE hiring.made_later (id serial PRIMARY KEY, note text)")
    log_in(WRITER_ROLE).execute("INSERT INTO hiring.made_later (note) VALUES ('x')")
    for role in (SERVICE_ROLE, "backup_reader"):
        rows = log_in(role).execute("SELECT * FROM hiring.made_later").fetchall()
        assert rows == [(1, "x")]


def test_the_writer_keeps_receipts_and_may_use_temporary_tables(log_in: Login) -> None:
    writer = log_in(WRITER_ROLE)
    writer.execute("CREATE TEMP TABLE staged (id int)")
    writer.execute("SELECT nextval('service.rejection_id_seq')")
    assert writer.execute("SELECT count(*) FROM batch").fetchone() == (0,)
    writer.execute("DELETE FROM idempotency_key")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM service.api_key",
        "SELECT * FROM service.auth_user",
        "SELECT * FROM service.django_session",
        "DELETE FROM service.batch",
        "DELETE FROM service.rejection",
        "TRUNCATE hiring.jobs",
        "ALTER TABLE hiring.jobs ADD COLUMN x int",
        "DROP TABLE hiring.jobs",
        "CREATE TABLE hiring.other (id int)",
        "CREATE TABLE service.other (id int)",
    ],
)
def test_the_writer_may_not(log_in: Login, statement: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        log_in(WRITER_ROLE).execute(statement)
    assert caught.value.sqlstate == "42501"


def test_the_service_writes_its_own_tables_and_only_reads_datasets(log_in: Login) -> None:
    service = log_in(SERVICE_ROLE)
    service.execute("DELETE FROM api_key")
    assert service.execute("SELECT count(*) FROM hiring.jobs").fetchone() == (0,)
    for statement in ("INSERT INTO hiring.jobs VALUES (1, 'x')", "DROP TABLE service.api_key"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute(statement)


def test_the_report_reader_sees_reports_and_nothing_else(log_in: Login) -> None:
    run_as_administrator("CREATE TABLE reports.some_report (n int)")
    reader = log_in("report_reader")
    assert reader.execute("SELECT * FROM reports.some_report").fetchall() == []
    for statement in ("SELECT * FROM hiring.jobs", "SELECT * FROM service.batch"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TEMP TABLE x (id int)")


def test_the_backup_reader_sees_no_secrets(log_in: Login) -> None:
    reader = log_in("backup_reader")
    reader.execute("SELECT * FROM hiring.jobs")
    reader.execute("SELECT * FROM service.rejection")
    for table in ("api_key", "auth_user", "django_session"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(SQL("SELECT * FROM {}").format(Identifier("service", table)))


def test_the_roles_have_their_limits(log_in: Login) -> None:
    def shown(role: str, setting: str) -> str:
        row = log_in(role).execute(f"SHOW {setting}").fetchone()
        assert row is not None
        return str(row[0])

    config = settings.CONFIG.database
    for role in ROLES:
        assert shown(role, "statement_timeout") == f"{config.statement_timeout_s}s"
        assert shown(role, "lock_timeout") == f"{config.lock_timeout_s}s"
        assert shown(role, "idle_in_transaction_session_timeout") == "1min"
    assert shown(SERVICE_ROLE, "search_path") == "service"


def test_the_roles_are_nothing_more_and_nobody_else() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolcreaterole"
            " OR rolcreatedb OR rolreplication OR rolbypassrls AND rolname <> 'backup_reader')",
            [list(ROLES)],
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members"
            " WHERE member::regrole::text = ANY(%s)",
            [list(ROLES)],
        )
        assert cursor.fetchall() == [(UNCHECKED_ROLE, WRITER_ROLE)]


LOCKS = [
    "SELECT pg_advisory_lock(hashtext('rowhouse.setup_db'))",
    "SELECT pg_try_advisory_xact_lock(hashtextextended('rowhouse.report.hires_by_quarter', 0))",
    "SELECT pg_advisory_lock_shared(n) FROM generate_series(1, 100000) n",
    "SELECT lo_create(0)",
]


@pytest.mark.parametrize("statement", LOCKS)
@pytest.mark.parametrize("role", ["report_reader", "backup_reader"])
def test_readers_hold_no_lock_that_operations_need(
    log_in: Login, role: str, statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        log_in(role).execute(statement)


def test_the_report_reader_leaves_connections_for_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolconnlimit, current_setting('max_connections')::int FROM pg_roles"
            " WHERE rolname = 'report_reader'"
        )
        limit, most = cursor.fetchone()
    assert 0 < limit <= most / 4


def test_a_reader_s_long_transaction_is_ended_whatever_it_sets(log_in: Login) -> None:
    reader = log_in("report_reader")
    reader.execute("SET statement_timeout = 0")
    reader.execute("SET idle_in_transaction_session_timeout = 0")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM reports.report_status")
    assert end_long_readers(connection, limit_s=3600) == 0
    assert end_long_readers(connection, limit_s=0) == 1
    with pytest.raises(psycopg.OperationalError):
        reader.execute("SELECT 1")


@pytest.fixture
def own_role(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Have one role more: roles belong to the server, so other tests are using the usual ones."""
    role = f"role_of_{connection.settings_dict['NAME']}"
    monkeypatch.setattr("project.schema.roles.ROLES", (*ROLES, role))
    run_as_administrator(f"CREATE ROLE {role} LOGIN")
    yield role
    run_as_administrator(f"DROP ROLE {role}")


def test_a_role_whose_password_was_changed_gets_it_back(log_in: Login, own_role: str) -> None:
    run_as_administrator(f"ALTER ROLE {own_role} PASSWORD 'another'")
    with pytest.raises(psycopg.OperationalError):
        log_in(own_role)
    with transaction.atomic():
        apply_roles(
            connection, [], config=settings.CONFIG.database, secrets_dir=settings.SECRETS_DIR
        )
    assert log_in(own_role).execute("SELECT 1").fetchone() == (1,)


def test_what_a_role_changed_of_itself_is_repaired(log_in: Login, own_role: str) -> None:
    def repair() -> bool:
        return repair_roles(
            connection, config=settings.CONFIG.database, secrets_dir=settings.SECRETS_DIR
        )

    repair()
    assert not repair()
    database = Identifier(connection.settings_dict["NAME"])
    writer = log_in(WRITER_ROLE)
    for name, value in (("default_transaction_read_only", "on"), ("lock_timeout", "1h")):
        change = SQL("ALTER ROLE ingest_writer IN DATABASE {} SET {} = {}")
        writer.execute(change.format(database, Identifier(name), value))
    log_in(own_role).execute(SQL("ALTER ROLE {} PASSWORD 'another'").format(Identifier(own_role)))
    assert repair()
    assert log_in(own_role).execute("SELECT 1").fetchone() == (1,)
    shown = log_in(WRITER_ROLE).execute(
        "SELECT current_setting('transaction_read_only'), current_setting('lock_timeout')"
    )
    assert shown.fetchone() == ("off", f"{settings.CONFIG.database.lock_timeout_s}s")
    assert not repair()
