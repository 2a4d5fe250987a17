"""Hostile names and values: the server's log of statements shows what became of them.

Nothing of a request is part of a statement but names that the catalog has, in quotes, and values:
as parameters, or as literals where Django writes them.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from tests.api.sending import execute, send, stored
from tests.api.tables import body_of
from tests.fuzz.hostile import MARK, Hostiles, read_statement, read_statements
from tests.needs import need
from tests.scale import scale

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("database")]

WANTED = 2_000  # 40,000 in the long form
AT_ONCE = 40

# A table that is in the catalog, whatever it is called.
ODD = 'h00000q"; DROP TABLE hiring.jobs; --'
ODD_COLUMN = "h00000q'); SELECT \"%s {0} $1"

CATALOG = """
SELECT relname FROM pg_class UNION SELECT attname FROM pg_attribute UNION
SELECT nspname FROM pg_namespace UNION SELECT typname FROM pg_type UNION
SELECT conname FROM pg_constraint UNION SELECT collname FROM pg_collation UNION
SELECT rolname FROM pg_roles
"""


class StatementLog:
    """What the server writes about this database's statements from now on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before = {path: path.stat().st_size for path in folder.iterdir()}

    def read(self) -> list[str]:
        """Return the statements since then."""
        texts = []
        for path in sorted(self._folder.iterdir()):
            with path.open("rb") as file:
                file.seek(self._before.get(path, 0))
                texts.append(file.read().decode("utf-8", "surrogateescape"))
        return list(read_statements("".join(texts)))


@pytest.fixture
def statements(client: Client) -> Iterator[StatementLog]:
    """Have every statement of this database logged, by new connections."""
    folder = settings.DATA_DIR / "postgres" / "data" / "log"
    need(folder.is_dir(), "the server's log can be read only of the embedded one")
    name = connection.settings_dict["NAME"]
    execute(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
    connections.close_all()
    yield StatementLog(folder)
    execute(f'ALTER DATABASE "{name}" RESET log_statement')
    connections.close_all()


def odd(text: str) -> str:
    """Return a quoted identifier for SQL that the test writes itself."""
    return '"' + text.replace('"', '""') + '"'


def as_path(text: str) -> str:
    return quote(text, safe="")


def ask_tables(client: Client, hostiles: Hostiles) -> Iterator[Any]:
    name = as_path(hostiles.take())
    yield client.get(f"/api/tables/{name}")
    yield client.get(f"/api/tables/{as_path(hostiles.take())}/rows")
    yield client.delete(f"/api/tables/{as_path(hostiles.take())}/rows/{as_path(hostiles.take())}")
    yield client.delete(f"/api/tables/jobs/rows/{as_path(hostiles.take())}")
    yield send(client, as_path(hostiles.take()), [{"job_id": 1}])
    body = json.dumps({"table": hostiles.take(), "rows": [{"job_id": 1}]})
    yield client.post("/api/ingest", body, content_type="application/json")


def ask_rows(client: Client, hostiles: Hostiles) -> Iterator[Any]:
    odd_table = as_path(f"hiring.{ODD}")
    for parameters in (
        {hostiles.take(): 1},
        {f"job_name__{hostiles.take()}": 1},
        {"job_name": hostiles.take()},
        {"job_name__in": ",".join(f'"{one}"' for one in hostiles.take_many(3))},
        {"job_name__gte": hostiles.take(), "order": "-job_name", "columns": "job_name"},
        {"job_id": hostiles.take()},
        {"order": hostiles.take()},
        {"columns": hostiles.take()},
        {"cursor": hostiles.take()},
        {"limit": hostiles.take()},
        {"format": hostiles.take()},
        {"job_name__ne": hostiles.take(), "format": "ndjson"},
        {"job_name__lt": hostiles.take(), "format": "csv"},
    ):
        yield client.get(f"/api/tables/jobs/rows?{urlencode(parameters)}")
    odd_filter = {ODD_COLUMN: hostiles.take(), "order": f'"{ODD_COLUMN}"'}
    yield client.get(f"/api/tables/{odd_table}/rows?{urlencode(odd_filter)}")


def send_rows(client: Client, hostiles: Hostiles) -> Iterator[Any]:
    unknown = dict.fromkeys(hostiles.take_many(AT_ONCE), 1)
    yield send(client, "jobs", [{"job_id": 1, "job_name": "x", **unknown}])
    line = json.dumps({hostiles.take(): hostiles.take()})
    yield send(client, "jobs", line, content_type="application/x-ndjson")
    header = ",".join(json.dumps(one) for one in hostiles.take_many(3))
    yield send(client, "jobs", f"{header}\n1,2,3\n", content_type="text/csv")
    types = {"employee_id": hostiles.take(), "hire_date": hostiles.take()}
    yield send(client, "employees", [types])
    yield send(client, "jobs", [{"job_id": 1}], f"?conflict_key={as_path(hostiles.take())}")
    yield send(client, "jobs", [{"job_id": 1}], f"?on_conflict={as_path(hostiles.take())}")
    key = hostiles.take().encode("ascii", "ignore").decode().translate({10: 32, 13: 32, 9: 32})
    yield send(client, "jobs", [{"job_id": 0, "job_name": "x"}], **{"Idempotency-Key": key})
    rows: list[dict[str, Any]] = [
        {"id": hostiles.used * 100 + n, ODD_COLUMN: hostiles.take()} for n in range(AT_ONCE)
    ]
    yield send(client, as_path(f"hiring.{ODD}"), rows, "?on_conflict=update")
    rows = [{"id": -row["id"], ODD_COLUMN: row[ODD_COLUMN]} for row in rows]
    yield send(client, as_path(f"hiring.{ODD}"), rows)


def ask_the_rest(client: Client, hostiles: Hostiles) -> Iterator[Any]:
    for address, names in (
        ("/api/batches", ("table", "since", "until", "sent_as", "rejected", "dry_run", "cursor")),
        ("/api/rejections", ("table", "batch", "code", "column", "state", "since", "cursor")),
        ("/api/reports/hires_by_quarter", ("format", "limit", "offset")),
        ("/api/nyc311/closure", ("group_by", "agency", "since", "weeks", "arithmetic")),
        ("/api/backups", ("before",)),
    ):
        for name in names:
            yield client.get(f"{address}?{urlencode({name: hostiles.take()})}")
    for name in ("table", "code", "column"):
        yield client.post(f"/api/rejections/replay?{urlencode({name: hostiles.take()})}")
    for place in ("batches/{}", "rejections/{}", "reports/{}", "reports/{}.tds", "backups/{}"):
        yield client.get(f"/api/{place.format(as_path(hostiles.take()))}")
    for method, name in (
        ("", "method"),
        ("open311.incidents.getList", "where"),
        ("open311.incidents.getList", "service_id"),
        ("open311.incidents.getList", "created"),
        ("open311.incident.get", "incident_id"),
        ("open311.services.getList", "format"),
    ):
        query = urlencode({"method": method} | {name: hostiles.take()})
        yield client.get(f"/open311/api?{query}")
    measure, dimension, place, value = hostiles.take_many(4)
    wanted = {
        "metrics": [{"name": measure}],
        "dimensions": [dimension],
        "filters": [{"name": place, "values": [value]}],
        "start_date": "2021-01-01T00:00:00Z",
        "interval": "P1M",
    }
    yield client.post("/mds/metrics", json.dumps(wanted), content_type="application/json")


SURFACES: tuple[Callable[[Client, Hostiles], Iterator[Any]], ...] = (
    ask_tables,
    ask_rows,
    send_rows,
    ask_the_rest,
)


def test_nothing_but_catalog_names_reaches_sql(client: Client, statements: StatementLog) -> None:
    execute(f"CREATE TABLE hiring.{odd(ODD)} (id int PRIMARY KEY, {odd(ODD_COLUMN)} text NOT NULL)")
    execute("INSERT INTO hiring.jobs VALUES (7, 'Clerk')")
    hostiles = Hostiles()
    statuses = set()
    while hostiles.used < scale(WANTED):
        for surface in SURFACES:
            for answer in surface(client, hostiles):
                statuses.add(answer.status_code)
                body_of(answer)  # what is streamed is read as well
                assert answer.status_code < 500, (hostiles.used, answer.content)
    assert {200, 201, 400, 404, 422} <= statuses
    logged = statements.read()
    known = {name for (name,) in stored(CATALOG)} | {"rowhouse place", "rowhouse row"}
    assert len(logged) > 1000
    written = "".join(logged)
    assert len(set(MARK.findall(written))) > 100  # values that Django writes as literals
    for statement in logged:
        bare, names = read_statement(statement)
        assert MARK.search(bare) is None, statement
        strangers = [name for name in names - known if MARK.search(name)]
        assert strangers == [], statement
    assert (7, "Clerk") in stored("SELECT * FROM hiring.jobs")
    kept = stored(f"SELECT {odd(ODD_COLUMN)}, count(*) FROM hiring.{odd(ODD)} GROUP BY 1")
    assert {count for _, count in kept} == {2}
    assert all(MARK.search(text) for text, _ in kept)


@pytest.mark.parametrize(
    ("statement", "bare", "names"),
    [
        ('SELECT \'h00001q\' FROM "a""b"', "SELECT  FROM ", {'a"b'}),
        ("SELECT 'it''s', E'\\'h00001q' x", "SELECT ,  x", set()),
        ("SELECT 'a' h00001q", "SELECT  h00001q", set()),
        ("SELECT $$h00001q$$, $1", "SELECT , $1", set()),
    ],
)
def test_statements_are_taken_apart_as_postgresql_does(
    statement: str, bare: str, names: set[str]
) -> None:
    assert read_statement(statement) == (bare, names)
