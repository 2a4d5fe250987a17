"""Tables for the tests of backups: made by SQL, compared by SQL."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from backups.tables.connection import admin_conninfo

# One column a type; each value is a corner of it.
EVERY_TYPE: dict[str, list[str | None]] = {
    "boolean": ["true", "false"],
    "smallint": ["-32768", "32767", "0"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "real": ["NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "0.1"],
    "double precision": ["NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308"],
    "numeric": [
        *("NaN", "Infinity", "-Infinity", "0", "-0.00", "1.10", "1e-1000", "1e1000"),
        "123456789012345678901234567890.123456789",
    ],
    "numeric(12,2)": ["-9999999999.99", "9999999999.99", "0.01", "-0.01", "0"],
    "numeric(18,0)": ["-999999999999999999", "999999999999999999"],
    "numeric(18,18)": ["-0.999999999999999999", "0.000000000000000001"],
    "numeric(30,5)": ["NaN", "1234567890123456789012345.00001"],
    "numeric(6,2)": ["NaN", "1.50"],
    "numeric(3,-2)": ["99900", "-100"],
    "numeric(3,5)": ["0.00999"],
    "text": [
        "",
        " ",
        "\\N",
        "\\",
        "a\tb\nc\rd",
        "\\.",
        "null",
        "Größe 😀 \u2028",
        '"',
        "'",
        "x" * 9000,
    ],
    "varchar(300)": ["", "  padded  "],
    "char(5)": ["ab", "     "],
    "bpchar": ["ab  ", ""],
    '"char"': ["a", ""],
    "name": ["a name"],
    "bytea": ["\\x", "\\x00ff5c0a09", "\\x" + "00" * 300],
    "date": ["2024-02-29", "0001-01-01", "9999-12-31", "1969-12-31"],
    "timestamp": [
        "2024-02-29 23:59:59.999999",
        "0001-01-01 00:00:00",
        "1969-12-31 23:59:59.000001",
    ],
    "timestamptz": ["2024-02-29 23:59:59.999999+14", "9999-12-31 23:59:59.999999+00"],
    "timestamp(0)": ["2024-02-29 23:59:59"],
    "time": ["00:00:00", "24:00:00", "12:34:56.000001"],
    "timetz": ["00:00:00+15:59", "24:00:00-15:59"],
    "interval": [
        *("1 mon", "30 days", "720:00:00", "1 mon -1 days +00:00:00.000001", "-178000000 years"),
        "P0D",
    ],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "json": [' { "b" : 1.0, "a":[ ], "b":2 }', "null", '"\\u00e9"', "1e400"],
    "jsonb": ['{"a": 1.10, "b": [null, "x"]}', "null", '"a\\nb\\\\c"', "1" + "0" * 50],
    "integer[]": [
        "{}",
        "{1,NULL,-3}",
        "[0:2]={7,8,9}",
        "{{1,2},{3,4}}",
        "[-1:0][5:6]={{1,2},{3,4}}",
    ],
    "text[]": ['{"",NULL,"NULL","a,b","\\"","\\\\"}'],
    "timestamptz[]": ['{infinity,"0044-03-15 12:00:00+00 BC"}'],
    "inet": ["192.168.0.1/24", "::1", "10.0.0.1"],
    "cidr": ["10.0.0.0/8"],
    "macaddr": ["08:00:2b:01:02:03"],
    "bit(3)": ["101"],
    "bit varying": ["", "10101"],
    "int4range": ["empty", "[1,5)", "(,)", "[3,)"],
    "numrange": ["(1.10,2.20]"],
    "tstzrange": ['["2024-01-01 00:00:00+00",infinity)'],
    "int4multirange": ["{[1,3),[5,7)}", "{}"],
    "point": ["(1.5,-2.25)", "(1e-300,NaN)"],
    "money": ["$1.00", "-$92,233,720,368,547,758.08"],
    "tsvector": ["'a':1 'b':2A"],
    "pg_lsn": ["16/B374D848"],
    "regclass": ["pg_catalog.pg_class"],
    "oid": ["4294967295"],
    "hiring.mood": ["sad", 'it\'s "so", so'],
    "hiring.mood[]": ["{sad}"],
    "hiring.pair": ['(1,"a,b")', "(,)"],
    "hiring.short": ["ab "],
    "hiring.positive": ["7"],
}

# Values that other readers' logical types do not hold: the column travels as text then.
BEYOND_LOGICAL: dict[str, list[str | None]] = {
    "date": ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31"],
    "timestamp": [
        "infinity",
        "-infinity",
        "4713-01-01 00:00:00 BC",
        "294276-12-31 23:59:59.999999",
    ],
    "timestamptz": ["infinity", "-infinity", "0001-12-31 23:59:59.999999+00 BC"],
    "numeric(12,2)": ["NaN"],
}


@contextmanager
def administrator() -> Iterator[psycopg.Connection]:
    """Connect as the administrator, with a transaction a statement."""
    with psycopg.connect(admin_conninfo(), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


# What the table `parts` of the fixture is like.
PARTS = """
SELECT (SELECT array_agg(pg_get_constraintdef(oid) ORDER BY conname) FROM pg_constraint
        WHERE conrelid = 'hiring.parts'::regclass AND contype <> 'n'),
    (SELECT array_agg(indexdef ORDER BY indexname) FROM pg_indexes
     WHERE schemaname = 'hiring' AND tablename = 'parts'),
    (SELECT array_agg((attname, attnotnull, attidentity, attgenerated, atthasdef)::text
                      ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = 'hiring.parts'::regclass AND attnum > 0),
    (SELECT array_agg(description ORDER BY description) FROM pg_description
     WHERE classoid = 'pg_class'::regclass AND objoid = 'hiring.parts'::regclass),
    (SELECT array_agg(acl::text ORDER BY acl::text)
     FROM unnest((SELECT relacl FROM pg_class WHERE oid = 'hiring.parts'::regclass)) acl),
    (SELECT array_agg(tgname || ' ' || tgenabled::text ORDER BY tgname) FROM pg_trigger
     WHERE tgrelid = 'hiring.parts'::regclass AND NOT tgisinternal)
"""


def run(*statements: str) -> None:
    """Execute statements as the administrator."""
    with administrator() as connection:
        for statement in statements:
            connection.execute(statement)


def ask(query: str) -> list[Any]:
    """Return the rows of a query."""
    with administrator() as connection:
        return connection.execute(query).fetchall()


def make_every_type(name: str, values: dict[str, list[str | None]]) -> None:
    """Make a table in `hiring` with a column for each type and a row for each corner."""
    table = Identifier("hiring", name)
    columns = SQL(", ").join(
        SQL("{} {}").format(Identifier(f"{type_name} column"), SQL(type_name))
        for type_name in values
    )
    casts = SQL(", ").join(SQL("%s::text::{}").format(SQL(type_name)) for type_name in values)
    depth = max(len(corners) for corners in values.values()) + 1
    with administrator() as connection:
        connection.execute(
            SQL("CREATE TABLE {} (id serial PRIMARY KEY, {})").format(table, columns)
        )
        for row in range(depth):
            given = [corners[row] if row < len(corners) else None for corners in values.values()]
            connection.execute(
                SQL("INSERT INTO {} VALUES (DEFAULT, {})").format(table, casts), given
            )


def keep_copy(name: str) -> None:
    """Keep a copy of a table of `hiring`, in the schema `kept`."""
    run(
        "CREATE SCHEMA IF NOT EXISTS kept",
        SQL("CREATE TABLE {} AS TABLE {}")
        .format(Identifier("kept", name), Identifier("hiring", name))
        .as_string(),
    )


def difference(name: str) -> int:
    """Return how many rows are in one of table and copy and not in the other, by their bytes."""
    with administrator() as connection:
        columns = [
            column
            for (column,) in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND NOT attisdropped ORDER BY attnum",
                [SQL("{}").format(Identifier("kept", name)).as_string()],
            )
        ]
        # Text tells apart what `=` calls equal (1.0 and 1.00) and can be compared for every type;
        # `::text` would drop the blanks of a char(n), format() does not.
        values = SQL(", ").join(
            SQL("{0} IS NULL, format('%s', {0})").format(Identifier(column)) for column in columns
        )
        query = SQL(
            "WITH a AS (SELECT {v} FROM {a}), b AS (SELECT {v} FROM {b})"
            " SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b)"
            " UNION ALL (TABLE b EXCEPT ALL TABLE a)) d"
        ).format(v=values, a=Identifier("hiring", name), b=Identifier("kept", name))
        (count,) = connection.execute(query).fetchall()
        return int(count[0])


def drop(names: Iterable[str]) -> None:
    """Drop tables of `hiring`."""
    for name in names:
        run(SQL("DROP TABLE {} CASCADE").format(Identifier("hiring", name)).as_string())
