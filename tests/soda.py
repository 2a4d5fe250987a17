"""A stand-in for a Socrata site: a real HTTP server that answers the SoQL our client writes.

SoQL is evaluated by SQLite, which shares no code with what is tested; only functions and fields
that Socrata knows are let through.
"""

import ast
import csv
import json
import re
import socket
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

DATASET = "fhrw-4uyv"
TOKEN = "token-of-the-tests"
SYSTEM_FIELDS = (":id", ":updated_at")
DEFAULT_LIMIT = 1000
_WORDS = {
    *("and", "or", "not", "in", "is", "null", "as", "true"),
    *("count", "sum", "max", "case", "date_diff_d", "date_trunc_ymd"),
    *("date_extract_y", "date_extract_woy", "date_extract_dow"),
}
_PIECES = re.compile(r"'(?:[^']|'')*'|:?[A-Za-z_]\w*|[^'\w:]+|\d+")

Row = dict[str, Any]


@dataclass
class SodaStandIn:
    """What the site holds and has seen, and how it is to behave.

    `faults` are used up in the order requests arrive: a status ("429", "503", "400"), "drop" (the
    connection breaks) or "cut" (in the middle of the answer). `before_page` is called with the
    number of each request for a page, from 1, before it is answered, and may return a fault.
    """

    url: str = ""
    faults: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    before_page: Callable[[int], str | None] = lambda number: None
    pages: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    database: sqlite3.Connection = field(
        default_factory=lambda: sqlite3.connect(":memory:", check_same_thread=False)
    )
    fields: list[str] = field(default_factory=list)

    def publish(self, rows: Iterable[Row], fields: Iterable[str], updated_at: str) -> None:
        """Insert or replace rows by their unique_key, as a publication at this moment does."""
        with self.lock:
            if not self.fields:
                self._create(list(fields))
            names = [*SYSTEM_FIELDS, *self.fields]
            marks = ", ".join("?" * len(names))
            for row in rows:
                values = {":id": make_id(row["unique_key"]), ":updated_at": updated_at} | row
                self.database.execute(
                    f"INSERT OR REPLACE INTO requests VALUES ({marks})",
                    [_as_stored(name, values.get(name)) for name in names],
                )

    def remove(self, unique_key: str) -> None:
        """Delete a row."""
        with self.lock:
            self.database.execute("DELETE FROM requests WHERE unique_key = ?", [unique_key])

    def answer(self, clauses: dict[str, str]) -> list[Row]:
        """Return the rows of a query; raise ValueError for what Socrata would not understand."""
        select = clauses.get("$select", "*")
        if select == "*" or select.endswith(", *"):
            select = select.replace("*", ", ".join(self.fields))
        parts = [f"SELECT {self._translate(select)} FROM requests"]
        for word, name in (("WHERE", "$where"), ("GROUP BY", "$group"), ("ORDER BY", "$order")):
            if name in clauses:
                parts.append(f"{word} {self._translate(clauses[name])}")
        limit, offset = clauses.get("$limit", DEFAULT_LIMIT), clauses.get("$offset", 0)
        parts.append(f"LIMIT {int(limit)} OFFSET {int(offset)}")
        with self.lock:
            try:
                found = self.database.execute(" ".join(parts))
            except sqlite3.Error as error:
                raise ValueError(str(error)) from error
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found]
        return [
            {name: _as_sent(name, value) for name, value in row.items() if value is not None}
            for row in rows
        ]

    def _create(self, fields: list[str]) -> None:
        self.fields = fields
        columns = ", ".join(f'"{name}"' for name in [*SYSTEM_FIELDS, *fields])
        self.database.execute(f"CREATE TABLE requests ({columns}, UNIQUE (unique_key))")
        self.database.execute('CREATE INDEX by_id ON requests (":id")')
        for name, function in _FUNCTIONS.items():
            self.database.create_function(name, -1, function, deterministic=True)

    def _translate(self, soql: str) -> str:
        aliases = set(re.findall(r"(?i)\bas (\w+)", soql)) | {"days"}
        out = []
        for piece in _PIECES.findall(soql):
            word = piece.lower()
            if not re.match(r":|[a-z_]", word):
                out.append(piece)
            elif word == "case":
                out.append("soql_case")
            elif word in _WORDS or word in aliases:
                out.append(word)
            elif word in self.fields or word in SYSTEM_FIELDS:
                out.append(f'"{word}"')
            else:
                raise ValueError(f"No such column or function: {piece}")
        return "".join(out)


def make_id(unique_key: object) -> str:
    """Return a row's `:id`: in another order than its unique_key, as Socrata's are."""
    digits = str(unique_key)[::-1]
    return f"row-{digits[:4]}.{digits[4:]}"


def read_soda_csv(path: Path) -> list[Row]:
    """Return the rows of a file of SODA's answers as JSON: empty fields are left out."""
    with path.open(newline="") as file:
        rows = [
            {name: value for name, value in row.items() if value} for row in csv.DictReader(file)
        ]
    for row in rows:
        if "location" in row:
            row["location"] = ast.literal_eval(row["location"])
    return rows


@contextmanager
def serve_soda() -> Iterator[SodaStandIn]:
    """Serve an empty site while the context is open."""
    standin = SodaStandIn()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Handler", (_Handler,), {"standin": standin})
    )
    server.daemon_threads = True
    standin.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: SodaStandIn

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != f"/resource/{DATASET}.json":
            self._send(404, {"message": "Not found"})
        else:
            self._answer({name: one[0] for name, one in parse_qs(parts.query).items()})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != f"/api/v3/views/{DATASET}/query.json":
            self._send(404, {"message": "Not found"})
        elif self.headers.get("X-App-Token") != TOKEN:
            self._send(403, {"message": "An app token is required"})
        else:
            self._answer(_split_statement(body))

    def _answer(self, clauses: dict[str, str]) -> None:
        fault = self._note(clauses)
        if fault == "drop":
            # Closed with a reset, so that the client sees it at once.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
        elif fault and fault != "cut":
            self._send(int(fault), {"message": f"fault {fault}"})
        else:
            try:
                rows = self.standin.answer(clauses)
            except ValueError as error:
                self._send(400, {"message": str(error)})
            else:
                self._send(200, rows, is_cut=fault == "cut")

    def _note(self, clauses: dict[str, str]) -> str | None:
        """Record a query and return the fault it meets."""
        standin = self.standin
        with standin.lock:
            standin.queries.append(clauses)
            standin.tokens.append(self.headers.get("X-App-Token"))
            fault = standin.faults.pop(0) if standin.faults else None
            if clauses.get("$order") != ":id":
                return fault
            standin.pages += 1
            number = standin.pages
        return standin.before_page(number) or fault

    def _send(self, status: int, value: Any, *, is_cut: bool = False) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = is_cut

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _split_statement(body: dict[str, Any]) -> dict[str, str]:
    pattern = (
        r"SELECT (?P<select>.*?)(?: WHERE (?P<where>.*?))?(?: GROUP BY (?P<group>.*?))?"
        r"(?: ORDER BY (?P<order>.*?))?"
    )
    match = re.fullmatch(pattern, body["query"])
    if match is None:
        return {"$select": body["query"]}
    size, number = body["page"]["pageSize"], body["page"]["pageNumber"]
    clauses = {f"${name}": text for name, text in match.groupdict().items() if text}
    return clauses | {"$limit": str(size), "$offset": str((number - 1) * size)}


def _as_stored(name: str, value: Any) -> Any:
    return json.dumps(value) if name == "location" else value


def _as_sent(name: str, value: Any) -> Any:
    return json.loads(value) if name == "location" else str(value)


def _case(*pairs: Any) -> Any:
    for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
        if condition:
            return value
    return None


def _moment(function: Callable[[datetime], Any]) -> Callable[[str | None], Any]:
    return lambda text: None if text is None else function(datetime.fromisoformat(text))


def _whole_days(later: str | None, earlier: str | None) -> int | None:
    if later is None or earlier is None:
        return None
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) // timedelta(days=1)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "soql_case": _case,
    "date_diff_d": _whole_days,
    "date_trunc_ymd": _moment(lambda moment: moment.strftime("%Y-%m-%dT00:00:00.000")),
    "date_extract_y": _moment(lambda moment: moment.year),
    "date_extract_woy": _moment(lambda moment: moment.isocalendar().week),
    "date_extract_dow": _moment(lambda moment: moment.isoweekday() % 7),
}
