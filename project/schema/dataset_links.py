"""Views and indexes over two datasets: `db_setup/<dataset>/with_<other>.sql`.

Such a file is run when both datasets are set up, any number of times, with the search path of the
dataset whose folder it is in.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from project.base.database import primary_message
from project.base.errors import RowhouseError
from project.models import AppliedSchema
from project.schema.objects import searching

PREFIX = "with_"


class LinkRefused(RowhouseError):
    """A file that ties two datasets together cannot be applied."""

    code = "setup_refused"


def apply_links(
    connection: BaseDatabaseWrapper,
    datasets: Collection[str],
    folder: Path,
    done: Mapping[str, list[str]],
) -> None:
    """Run the files whose datasets are both set up, where the file or one of the two changed.

    Runs in the caller's transaction; `done` is what was just done to each dataset, and what is done
    here is added to it. Raise `LinkRefused` when all must be rolled back.
    """
    applied = AppliedSchema.objects.using(connection.alias)
    known = dict(applied.values_list("dataset", "schema_sql"))
    for dataset in datasets:
        for file in sorted((folder / dataset).glob(f"{PREFIX}*.sql")):
            other = file.stem.removeprefix(PREFIX)
            if other not in datasets or not {dataset, other} <= known.keys():
                continue
            name = f"{dataset}/{file.stem}"
            text = file.read_text(encoding="utf-8")
            if known.get(name) == text and not done.get(dataset) and not done.get(other):
                continue
            _run(connection, dataset, file, text)
            applied.update_or_create(dataset=name, defaults={"schema_sql": text})
            if dataset in done:
                done[dataset].append(f"tie to {other}")


def _run(connection: BaseDatabaseWrapper, dataset: str, file: Path, text: str) -> None:
    try:
        with connection.cursor() as cursor, searching(cursor, dataset):
            cursor.execute(text)
    except DatabaseError as error:
        raise LinkRefused(f"db_setup/{dataset}/{file.name}: {primary_message(error)}") from error
