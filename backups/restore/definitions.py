"""What a dataset defines, made again from a backup's file of definitions where it is missing."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import psycopg
from django.conf import settings
from django.db import connection as service_connection
from django.db import transaction
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from backups.errors import BackupDamaged, BackupError, RestoreRefused
from backups.store.folder import Backup
from backups.store.manifest import Manifest
from backups.tables.connection import (
    configure_transaction,
    connect_restorer,
    execute_alone,
    reader_conninfo,
    restorer_conninfo,
)
from backups.tables.ddl import raw_sql
from backups.tables.pg_dump import dump_definitions
from backups.tables.statements import split_statements
from project.schema.roles import apply_roles

# Other statements of pg_dump are settings of its session.
_IS_DEFINITION = re.compile(r"(?:CREATE|ALTER|COMMENT|GRANT|REVOKE|SECURITY LABEL|SET default_)\b")
_MAKES_FILLED_VIEW = re.compile(r"CREATE MATERIALIZED VIEW (\S+)")
_NAME = r'(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")'
_THING = rf"{_NAME}(?:\.{_NAME})?(?:\([^();]*\))?"
# Nothing else may be in these statements: the administrator executes them, for restored things.
_CHANGES_OWNER = re.compile(
    r"ALTER (?P<kind>(?:FOREIGN )?TABLE|(?:MATERIALIZED )?VIEW|SEQUENCE|TYPE|DOMAIN|COLLATION"
    rf"|FUNCTION|PROCEDURE|AGGREGATE|STATISTICS|SCHEMA) (?P<thing>{_THING}) OWNER TO {_NAME}"
)
_PRIVILEGE = r"[A-Z]+(?:\([^();]*\))?"
_CHANGES_PRIVILEGE = re.compile(
    rf"(?:GRANT|REVOKE) {_PRIVILEGE}(?:,{_PRIVILEGE})*"
    rf" ON (?P<kind>TABLE|SEQUENCE|TYPE|FUNCTION|PROCEDURE|SCHEMA) (?P<thing>{_THING})"
    rf" (?:TO|FROM) (?:PUBLIC|{_NAME})(?: WITH GRANT OPTION)?"
)
_CHANGES_DEFAULTS = re.compile(
    rf"ALTER DEFAULT PRIVILEGES FOR ROLE {_NAME} IN (?P<kind>SCHEMA) (?P<thing>{_NAME})"
    rf" (?:GRANT|REVOKE) [A-Z,]+ ON [A-Z]+ (?:TO|FROM) (?:PUBLIC|{_NAME})(?: WITH GRANT OPTION)?"
)
_BY_ADMINISTRATOR = (_CHANGES_OWNER, _CHANGES_PRIVILEGE, _CHANGES_DEFAULTS)
_DIFFERS = "there is another one"
_SHOWN = 200  # characters of a statement


class NotMade(msgspec.Struct, frozen=True):
    """A definition of the backup that the database does not have after the restore, and why."""

    dataset: str
    statement: str
    reason: str


class DefinitionReport(msgspec.Struct, frozen=True):
    """How many definitions were made, or would be; which were not; which views have no rows yet."""

    made: int
    not_made: tuple[NotMade, ...]
    empty_views: tuple[str, ...]


def describe_definitions(report: DefinitionReport) -> Iterator[str]:
    """Yield the lines that tell a person which definitions were made, and what is left to do."""
    yield f"{report.made} definitions made"
    for one in report.not_made:
        yield f"  NOT MADE in {one.dataset}: {one.statement} ({one.reason})"
    if report.not_made:
        yield "  As the administrator, run what you need of them from the backup's .sql files"
    for view in report.empty_views:
        yield f"  REFRESH MATERIALIZED VIEW {view}: it has no rows yet"


def make_definitions(
    connection: Connection, backup: Backup, manifest: Manifest, *, dry_run: bool
) -> DefinitionReport:
    """Make the definitions that the datasets of rest_conf.yml lack; leave the others alone.

    The restorer executes them one by one; those that fail are reported. The administrator's
    connection only takes over what was made. Raises `RestoreRefused` where the backup has none.
    """
    wanted = _read_wanted(backup, manifest)
    if not wanted:
        raise RestoreRefused(
            f"{manifest.name} has no definitions of the datasets: backups of all tables have them"
        )
    with (
        _lending_schemas(connection, list(wanted), dry_run=dry_run),
        connect_restorer() as restorer,
    ):
        missing = _find_missing(wanted)
        maker = _Maker(restorer, [one for statements in missing.values() for one in statements])
        with restorer.transaction(force_rollback=dry_run):
            maker.run()
        if not dry_run:
            _take_over(connection, maker)
    if not dry_run:
        _grant_roles(list(wanted))
        return _report(missing, maker, _find_missing(missing, unknown=maker.failures))
    left = {
        name: [one for one in found if one in maker.failures] for name, found in missing.items()
    }
    return _report(missing, maker, left)


def _report(
    missing: Mapping[str, Sequence[str]], maker: "_Maker", left: Mapping[str, Sequence[str]]
) -> DefinitionReport:
    not_made = tuple(
        NotMade(dataset, " ".join(one.split())[:_SHOWN], maker.failures.get(one, _DIFFERS))
        for dataset, statements in left.items()
        for one in statements
    )
    made = sum(map(len, missing.values())) - len(not_made)
    return DefinitionReport(made, not_made, tuple(maker.empty_views))


def _read_wanted(backup: Backup, manifest: Manifest) -> dict[str, list[str]]:
    try:
        return {
            entry.dataset: _list_definitions(backup.read_definitions(entry))
            for entry in manifest.definitions
            if entry.dataset in settings.CONFIG.datasets
        }
    except OSError as error:
        raise BackupDamaged(f"The definitions cannot be read: {error}") from error


def _list_definitions(text: bytes) -> list[str]:
    statements = split_statements(text.decode(errors="replace"))
    return [one for one in statements if _IS_DEFINITION.match(one)]


def _find_missing(
    wanted: Mapping[str, Sequence[str]], unknown: Collection[str] | None = None
) -> dict[str, list[str]]:
    """Return the statements that today's definitions do not have.

    Where no pg_dump can read these: the `unknown` ones, all of them for None.
    """
    missing = {}
    for dataset, statements in wanted.items():
        try:
            known = set(_list_definitions(dump_definitions(reader_conninfo(), dataset)))
        except BackupError:
            known = set() if unknown is None else set(statements) - set(unknown)
        missing[dataset] = [one for one in statements if one not in known]
    return missing


@contextmanager
def _lending_schemas(
    connection: Connection, datasets: Sequence[str], *, dry_run: bool
) -> Iterator[None]:
    """Let the restorer make things in the datasets' schemas, which are made where they are not."""
    restorer = _restorer()
    known = {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}
    added = [Identifier(name) for name in datasets if name not in known]
    for schema in added:
        connection.execute(SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, restorer))
    schemas = SQL(", ").join(map(Identifier, datasets))
    connection.execute(SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(schemas, restorer))
    try:
        yield
    finally:
        for schema in added:
            end = SQL("DROP SCHEMA {}" if dry_run else "ALTER SCHEMA {} OWNER TO CURRENT_USER")
            connection.execute(end.format(schema))
        kept = [Identifier(name) for name in datasets if name in known or not dry_run]
        if kept:
            lent = SQL("REVOKE CREATE ON SCHEMA {} FROM {}")
            connection.execute(lent.format(SQL(", ").join(kept), restorer))


def _restorer() -> Identifier:
    return Identifier(str(conninfo_to_dict(restorer_conninfo())["user"]))


class _Maker:
    """Executes definitions in the restorer's transaction, again while others they need are made."""

    def __init__(self, connection: Connection, statements: Sequence[str]) -> None:
        self._connection = connection
        self._statements = statements
        self.failures: dict[str, str] = {}
        self.left_to_administrator: list[str] = []  # owners and privileges of what was made
        self.empty_views: list[str] = []

    def run(self) -> None:
        configure_transaction(self._connection)
        # Functions may name tables that are made after them.
        self._connection.execute("SET LOCAL check_function_bodies = off")
        pending = self._statements
        while True:
            self.failures = {}
            for statement in pending:
                self._make(statement)
            left = [one for one in pending if one in self.failures or one.startswith("SET ")]
            if len(left) == len(pending):
                return
            pending = left

    def _make(self, statement: str) -> None:
        match = next(filter(None, (one.fullmatch(statement) for one in _BY_ADMINISTRATOR)), None)
        # That it may be given to itself proves that a thing is the restorer's own.
        proof = f"ALTER {match['kind']} {match['thing']} OWNER TO CURRENT_USER" if match else None
        reason = _try(self._connection, proof or statement)
        if reason is not None:
            self.failures[statement] = reason
        elif proof is not None:
            self.left_to_administrator.append(statement)
        elif view := _MAKES_FILLED_VIEW.match(statement):
            self.empty_views.append(view[1])


def _try(connection: Connection, statement: str) -> str | None:
    """Execute a statement or leave no trace of it; return why it failed."""
    try:
        with connection.transaction():
            execute_alone(connection, SQL("{}").format(raw_sql(statement)))
    except psycopg.Error as error:
        if connection.closed:
            raise
        return error.diag.message_primary or str(error)
    return None


def _take_over(connection: Connection, maker: _Maker) -> None:
    """Give what was made its owners and privileges; the administrator takes the rest."""
    restorer, administrator = _restorer(), Identifier(connection.info.user)
    with connection.transaction():
        configure_transaction(connection)
        for statement in maker.left_to_administrator:
            reason = _try(connection, statement)
            if reason is not None:
                maker.failures[statement] = reason
        if restorer != administrator:
            connection.execute(SQL("REASSIGN OWNED BY {} TO {}").format(restorer, administrator))


def _grant_roles(datasets: Sequence[str]) -> None:
    """Give Rowhouse's roles what they have in every dataset."""
    if settings.CONFIG.database.separate_roles:
        with transaction.atomic():
            apply_roles(
                service_connection,
                datasets,
                config=settings.CONFIG.database,
                secrets_dir=settings.SECRETS_DIR,
            )
