"""Tables that tests of any endpoint make by hand."""

from typing import Any

from django.test import Client
from psycopg.sql import SQL, Identifier, Literal

from tests.api.sending import execute

# A column of every type that has a rule of its own, and of some that only PostgreSQL judges.
EVERY_TYPE = {
    "small": "smallint",
    "big": "bigint",
    "amount": "numeric(38,10)",
    "free": "numeric",
    "single": "real",
    "double": "double precision",
    "flag": "boolean",
    "words": "text",
    "short": "varchar(10)",
    "fixed": "char(4)",
    "day": "date",
    "at": "time",
    "at_zone": "timetz",
    "moment": "timestamp",
    "instant": "timestamptz",
    "span": "interval",
    "ident": "uuid",
    "plain_json": "json",
    "binary_json": "jsonb",
    "bytes": "bytea",
    "numbers": "integer[]",
    "names": "text[]",
    "amounts": "numeric[]",
    "instants": "timestamptz[]",
    "blobs": "bytea[]",
    "documents": "jsonb[]",
    "address": "inet",
    "addresses": "inet[]",
    "span_of": "int4range",
    "bits": "bit(3)",
    "place": "point",
    "search": "tsvector",
}


def make_every_type_table(name: str = "every_type") -> None:
    """Make hiring.<name> with an identifier and a column of every type."""
    columns = [
        SQL("{} {}").format(Identifier(column), SQL(type_)) for column, type_ in EVERY_TYPE.items()
    ]
    statement = SQL("CREATE TABLE {} (id integer PRIMARY KEY, {})")
    execute(statement.format(Identifier("hiring", name), SQL(", ").join(columns)))


def employee(number: int, **changes: Any) -> dict[str, Any]:
    """Return an employee's row; a change to `...` leaves the column out."""
    row = {
        "employee_id": number,
        "employee_name": f"Person {number}",
        "hire_date": "2021-07-27T16:02:08Z",
        "department_id": 1,
        "job_id": 7,
    }
    return {key: value for key, value in (row | changes).items() if value is not ...}


def body_of(answer: Any) -> bytes:
    """Return the whole body of an answer, streamed or not."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def read_rows(client: Client, table: str, query: str = "") -> list[Any]:
    """GET a page of a table's rows."""
    answer = client.get(f"/api/tables/{table}/rows{query}")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def make_trigger(table: str, body: str, when: str = "BEFORE INSERT") -> None:
    """Give a table of hiring a trigger for each row; one AFTER is asked at the end."""
    function = "CREATE FUNCTION hiring.act() RETURNS trigger LANGUAGE plpgsql AS {}"
    execute(SQL(function).format(Literal(f"BEGIN {body} END")))
    is_late = "AFTER" in when
    trigger = SQL(
        "CREATE {kind} act {when} ON {table} {deferred} FOR EACH ROW EXECUTE FUNCTION hiring.act()"
    ).format(
        kind=SQL("CONSTRAINT TRIGGER" if is_late else "TRIGGER"),
        when=SQL(when),
        table=Identifier("hiring", table),
        deferred=SQL("DEFERRABLE INITIALLY DEFERRED" if is_late else ""),
    )
    execute(trigger)
