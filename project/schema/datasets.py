"""Dataset files applied to the database: `db_setup/<dataset>/schema.sql` into the schema's tables.

A file names its tables without a schema. New and changed files are compared with the database and
only what keeps every row is done; where the file did not change, the database is left alone.
Views and indexes over two datasets are in `db_setup/<dataset>/with_<other>.sql`, which is run, any
number of times, when both datasets are set up.
"""

from collections.abc import Collection, Mapping
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
from project.schema.objects import SchemaObjects, read_objects, searching
from project.schema.roles import apply_role_settings, apply_roles

# Holds a file's tables while they are compared; rolled back before anyone can see it.
DRAFT_SCHEMA = "rowhouse_draft"
LOCK_TIMEOUT = "10s"
REPORTS_SCHEMA = "reports"
LINK_PREFIX = "with_"


class SetupRefused(RowhouseError):
    """A dataset's schema.sql, or a file that ties it to another, cannot be applied."""

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
    wanted = _objects_of(connection, file, text)
    live = read_objects(connection, dataset)
    if not wanted.tables() & live.tables():
        _run_file(connection, file, dataset, text)
        done = [f"create table {name}" for name in sorted(wanted.tables())]
    else:
        before = None
        if applied is not None:
            unchanged = applied.schema_sql == text
            before = wanted if unchanged else _objects_of(connection, file, applied.schema_sql)
        plan = plan_changes(applied=before, wanted=wanted, live=live)
        done = _take_steps(connection, dataset, plan)
    if applied is None or applied.schema_sql != text:
        AppliedSchema(dataset=dataset, schema_sql=text).save(using=connection.alias)
    return done


def apply_links(
    connection: BaseDatabaseWrapper,
    datasets: Collection[str],
    folder: Path,
    done: Mapping[str, list[str]],
) -> None:
    """Run the files whose datasets are both set up, where the file or one of the two changed.

    Runs in the caller's transaction; `done` is what was just done to each dataset, and what is done
    here is added to it. Raise `SetupRefused` when all must be rolled back.
    """
    applied = AppliedSchema.objects.using(connection.alias)
    known = dict(applied.values_list("dataset", "schema_sql"))
    for dataset in datasets:
        for file in sorted((folder / dataset).glob(f"{LINK_PREFIX}*.sql")):
            other = file.stem.removeprefix(LINK_PREFIX)
            if other not in datasets or not {dataset, other} <= known.keys():
                continue
            name = f"{dataset}/{file.stem}"
            text = file.read_text(encoding="utf-8")
            if known.get(name) == text and not done.get(dataset) and not done.get(other):
                continue
            _run_file(connection, file, dataset, text)
            applied.update_or_create(dataset=name, defaults={"schema_sql": text})
            if dataset in done:
                done[dataset].append(f"tie to {other}")


def _lock_setup(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('rowhouse.setup_db'))")
        _execute(cursor, "CREATE SCHEMA IF NOT EXISTS {}", REPORTS_SCHEMA)


def _objects_of(connection: BaseDatabaseWrapper, file: Path, text: str) -> SchemaObjects:
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            _execute(cursor, "DROP SCHEMA IF EXISTS {} CASCADE", DRAFT_SCHEMA)
            _execute(cursor, "CREATE SCHEMA {}", DRAFT_SCHEMA)
        _run_file(connection, file, DRAFT_SCHEMA, text)
        objects = read_objects(connection, DRAFT_SCHEMA)
        transaction.set_rollback(True, using=connection.alias)
    return objects


def _run_file(connection: BaseDatabaseWrapper, file: Path, schema: str, text: str) -> None:
    name = f"db_setup/{file.parent.name}/{file.name}"
    try:
        with connection.cursor() as cursor, searching(cursor, schema):
            before = _transaction_id(cursor)
            cursor.execute(text)
            ended_transaction = _transaction_id(cursor) != before
    except DatabaseError as error:
        raise SetupRefused(f"{name}: {primary_message(error)}") from error
    if ended_transaction:
        raise SetupRefused(f"{name}: it must not contain COMMIT")


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
