"""Dataset files applied to the database: `db_setup/<dataset>/schema.sql` into the schema's tables.

A file names its tables without a schema. New and changed files are compared with the database and
only what keeps every row is done; where the file did not change, the database is left alone.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg.sql import SQL, Identifier

from project.base.config import Config
from project.base.database import primary_message
from project.base.errors import RowhouseError
from project.models import AppliedSchema
from project.schema.changes import Plan, plan_changes
from project.schema.citus import distribute_datasets
from project.schema.dataset_links import apply_links
from project.schema.objects import SchemaObjects, read_objects, searching
from project.schema.roles import apply_role_settings, apply_roles

# Holds a file's tables while they are compared; rolled back before anyone can see it.
DRAFT_SCHEMA = "rowhouse_draft"
LOCK_TIMEOUT = "10s"
REPORTS_SCHEMA = "reports"


class SetupRefused(RowhouseError):
    """A dataset's schema.sql cannot be applied without losing data."""

    code = "setup_refused"


def set_up_database(
    connection: BaseDatabaseWrapper,
    *,
    config: Config,
    folder: Path,
    secrets_dir: Path,
    only: Collection[str] = (),
) -> dict[str, list[str]]:
    """Apply the dataset files and the roles in one transaction; nothing is done twice.

    Return what was done for each dataset, in words. Raise `SetupRefused` with everything that is
    in the way, `RolesRefused` where roles cannot be made.
    """
    unknown = set(only) - set(config.datasets)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise SetupRefused(f"{names}: not among the datasets of rest_conf.yml")
    done = {}
    with transaction.atomic(using=connection.alias):
        _lock_setup(connection)
        for dataset in config.datasets:
            if not only or dataset in only:
                done[dataset] = apply_dataset(connection, dataset, folder / dataset / "schema.sql")
            else:
                _make_schema(connection, dataset)  # the roles get their rights in every one
        apply_links(connection, config.datasets, folder, done)
        for dataset, moves in distribute_datasets(connection.connection, config.datasets).items():
            if not only or dataset in only:
                done[dataset] += moves
        if config.database.separate_roles:
            apply_roles(
                connection, config.datasets, config=config.database, secrets_dir=secrets_dir
            )
        elif config.database.pooler == "transaction":
            apply_role_settings(connection, config.database)
    return done


def _make_schema(connection: BaseDatabaseWrapper, dataset: str) -> None:
    with connection.cursor() as cursor:
        _execute(cursor, "CREATE SCHEMA IF NOT EXISTS {}", dataset)


def apply_dataset(connection: BaseDatabaseWrapper, dataset: str, file: Path) -> list[str]:
    """Make the schema and apply its file, if there is one; return what was done, in words.

    Runs in the caller's transaction; raise `SetupRefused` when that must be rolled back.
    """
    _make_schema(connection, dataset)
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    applied = AppliedSchema.objects.using(connection.alias).filter(pk=dataset).first()
    wanted = _objects_of(connection, dataset, text)
    live = read_objects(connection, dataset)
    if not wanted.tables() & live.tables():
        _run_file(connection, dataset, dataset, text)
        done = [f"create table {name}" for name in sorted(wanted.tables())]
    else:
        before = None
        if applied is not None:
            unchanged = applied.schema_sql == text
            before = wanted if unchanged else _objects_of(connection, dataset, applied.schema_sql)
        plan = plan_changes(applied=before, wanted=wanted, live=live)
        done = _take_steps(connection, dataset, plan)
    if applied is None or applied.schema_sql != text:
        AppliedSchema(dataset=dataset, schema_sql=text).save(using=connection.alias)
    return done


def _lock_setup(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('rowhouse.setup_db'))")
        _execute(cursor, "CREATE SCHEMA IF NOT EXISTS {}", REPORTS_SCHEMA)


def _objects_of(connection: BaseDatabaseWrapper, dataset: str, text: str) -> SchemaObjects:
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            _execute(cursor, "DROP SCHEMA IF EXISTS {} CASCADE", DRAFT_SCHEMA)
            _execute(cursor, "CREATE SCHEMA {}", DRAFT_SCHEMA)
        _run_file(connection, dataset, DRAFT_SCHEMA, text)
        objects = read_objects(connection, DRAFT_SCHEMA)
        transaction.set_rollback(True, using=connection.alias)
    return objects


def _run_file(connection: BaseDatabaseWrapper, dataset: str, schema: str, text: str) -> None:
    try:
        with connection.cursor() as cursor, searching(cursor, schema):
            before = _transaction_id(cursor)
            cursor.execute(text)
            ended_transaction = _transaction_id(cursor) != before
    except DatabaseError as error:
        raise SetupRefused(f"db_setup/{dataset}/schema.sql: {primary_message(error)}") from error
    if ended_transaction:
        raise SetupRefused(f"db_setup/{dataset}/schema.sql: it must not contain COMMIT")


def _take_steps(connection: BaseDatabaseWrapper, dataset: str, plan: Plan) -> list[str]:
    refusals = list(plan.refusals)
    done = []
    with connection.cursor() as cursor, searching(cursor, dataset):
        for step in plan.steps:
            try:
                with transaction.atomic(using=connection.alias):
                    cursor.execute(step.statement.as_string())
            except DatabaseError as error:
                advice = f". To do: {step.advice}" if step.advice else ""
                refusals.append(f"{step.description}: {primary_message(error)}{advice}")
            else:
                done.append(step.description)
    if refusals:
        lines = "".join(f"\n- {refusal}" for refusal in refusals)
        raise SetupRefused(
            f"db_setup/{dataset}/schema.sql cannot be applied; nothing was changed:{lines}",
            dataset=dataset,
            refusals=refusals,
        )
    return done


def _transaction_id(cursor: CursorWrapper) -> Any:
    cursor.execute("SELECT pg_current_xact_id()::text")
    return cursor.fetchone()[0]


def _execute(cursor: CursorWrapper, statement: str, schema: str) -> None:
    cursor.execute(SQL(statement).format(Identifier(schema)).as_string())
