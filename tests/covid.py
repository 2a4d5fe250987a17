"""How tests get the COVID Tracking Project's figures, and figures of their own, into `covid`."""

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from psycopg.sql import SQL, Identifier

DATA = settings.BASE_DIR.parent / "shared" / "data" / "covid"
FOLDER = settings.BASE_DIR / "db_setup" / "covid"
MAPPINGS = FOLDER / "mappings"
DEFINITIONS = FOLDER / "field_definitions.json"

FINAL = DATA / "all-states-history.csv"
EARLIER = DATA / "all-states-history_2020-12-26.csv"

Row = dict[str, Any]


def stored(query: str) -> list[Any]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def snake_case(name: str) -> str:
    """Return hospitalizedCurrently as hospitalized_currently."""
    return re.sub(r"(?<!^)[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def read_final() -> list[Row]:
    """Return the final file's rows with the table's names; figures are int or None."""
    with FINAL.open(newline="") as file:
        return [_typed(row) for row in csv.DictReader(file)]


def _typed(row: dict[str, str]) -> Row:
    return {
        snake_case(name): text if name in {"date", "state"} else (int(text) if text else None)
        for name, text in row.items()
    }


def read_json(name: str) -> Any:
    """Return one of the JSON files."""
    return json.loads((DATA / name).read_text())


def add_rows(table: str, rows: Iterable[Row]) -> None:
    """Store rows in a table of `covid`, quickly; a row that is there already is replaced."""
    rows = list(rows)
    columns = sorted({name for row in rows for name in row})
    key = {"states": "state", "states_daily": "state, date", "us_daily": "date"}
    key |= {"population": "area", "field_definitions": "field", "changes": "change_id"}
    names = SQL(", ").join(map(Identifier, columns))
    statement = SQL(
        "INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_recordset("
        "NULL::{table}, %s) ON CONFLICT ({key}) DO UPDATE SET ({names}) = ROW ({new})"
    ).format(
        table=Identifier("covid", table),
        names=names,
        key=SQL(key[table]),
        new=SQL(", ").join(Identifier("excluded", column) for column in columns),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(), [json.dumps(rows)])
    flush_counters()


def flush_counters() -> None:
    """Have PostgreSQL count what was written now; it may take ten seconds otherwise."""
    stored("SELECT pg_stat_force_next_flush()")


def add_definitions(*, keep: Iterable[str] = (), **changes: Any) -> None:
    """Store the project's field definitions, or those whose names begin with one of `keep`."""
    prefixes = tuple(keep) or ("",)
    definitions = json.loads(DEFINITIONS.read_text())
    add_rows(
        "field_definitions",
        (
            {"launched_at": "2020-07-05T14:00:00Z", "formerly": []} | row | changes
            for row in definitions
            if row["field"].startswith(prefixes)
        ),
    )


def state_row(**changes: Any) -> Row:
    """Return a state's metadata as the publisher's file has it."""
    return {"state": "CA", "name": "California", "fips": "06"} | changes


def load_arguments(table: str, path: Path, url: str, key: str, *options: str) -> list[str]:
    """Return the command line that loads a file into a table of `covid`."""
    command = ["manage.py", "load", f"covid.{table}", str(path), "--url", url, "--key", key]
    return [*command, "--quiet", *options]
