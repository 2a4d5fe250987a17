"""API keys made: by an operator, and the first one by the service itself."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from project.base.errors import RowhouseError
from project.base.secrets import write_secret
from project.base.sql_files import read_sql
from project.models import ApiKey, Scope

DATASET_TABLES = read_sql(Path(__file__).parent / "sql" / "dataset_tables.sql")


class KeyRefused(RowhouseError):
    """A key like this cannot be made."""

    code = "key_refused"


def make_key(
    name: str,
    *,
    scopes: Collection[str],
    tables: Collection[str] = (),
    expires: datetime | None = None,
    datasets: Collection[str],
) -> str:
    """Make a key and return it: this is the only time it can be seen.

    Raises `KeyRefused` as `check_key` does.
    """
    check_key(name, scopes=scopes, tables=tables, expires=expires, datasets=datasets)
    _, secret = ApiKey.objects.create_key(
        name=name.strip()[:50],
        scopes=sorted(set(scopes)),
        tables=sorted(set(tables)),
        expiry_date=expires,
    )
    return str(secret)


def check_key(
    name: str,
    *,
    scopes: Collection[str],
    tables: Collection[str],
    expires: datetime | None,
    datasets: Collection[str],
) -> None:
    """Raise `KeyRefused` for scopes or tables that do not exist, or a moment that has passed."""
    if not name.strip():
        raise KeyRefused("A key needs a name")
    unknown = set(scopes) - set(Scope.values)
    if unknown or not scopes:
        raise KeyRefused(f"The scopes are {', '.join(Scope.values)}")
    for table in tables:
        _check_table(table, datasets)
    if tables and Scope.INGEST not in scopes:
        raise KeyRefused("Tables limit the scope ingest, which this key would not have")
    if expires is not None and expires <= timezone.now():
        raise KeyRefused("The key would have expired already")


def _check_table(table: str, datasets: Collection[str]) -> None:
    dataset, dot, _ = table.partition(".")
    if dataset not in datasets:
        raise KeyRefused(f"{table}: name a dataset ({', '.join(datasets)}) or dataset.table")
    if not dot:
        return
    with connection.cursor() as cursor:
        cursor.execute(DATASET_TABLES, {"dataset": dataset})
        known = [name for (name,) in cursor.fetchall()]
    if table not in known:
        raise KeyRefused(f"There is no table {table}; there are {', '.join(known) or 'none'}")


def make_first_key(file: Path) -> str | None:
    """Make a key of every scope and keep it in a file; None where there are keys already."""
    with transaction.atomic():
        if ApiKey.objects.exists():
            return None
        secret = make_key("first", scopes=Scope.values, datasets=())
        write_secret(file, secret)
    return secret
