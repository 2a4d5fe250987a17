"""Requests to paste: how a table's example is sent by curl, by Python and by Postman."""

import pprint
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

POSTMAN_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

_PYTHON = """\
import json
import urllib.request

rows = {rows}
request = urllib.request.Request(
    {address!r},
    data=json.dumps(rows).encode(),
    headers={{"Authorization": "Api-Key KEY", "Content-Type": "application/json"}},
)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer))
"""

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text, what it is for, and what to do with it."""

    name: str
    title: str
    hint: str
    text: str


def write_snippets(table: str, address: str, rows: Rows) -> list[Snippet]:
    """Return what sends the rows to the ingest address; KEY stands for the reader's key."""
    return [
        Snippet("curl", "curl", "Put your key into KEY first: KEY=…", _write_curl(address, rows)),
        Snippet(
            "python",
            "Python",
            "Only the standard library; write your key for KEY.",
            _PYTHON.format(rows=pprint.pformat(list(rows), sort_dicts=False), address=address),
        ),
        Snippet(
            "postman",
            "Postman",
            "Import → paste as raw text, then set the variable key.",
            _write_collection(table, address, rows),
        ),
    ]


def write_json(value: Any) -> str:
    """Return JSON with a line for each member."""
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def _write_curl(address: str, rows: Rows) -> str:
    body = shlex.quote(msgspec.json.encode(rows).decode())
    return (
        'curl -H "Authorization: Api-Key $KEY" -H "Content-Type: application/json" \\\n'
        f"     -d {body} \\\n     {shlex.quote(address)}"
    )


def _write_collection(table: str, address: str, rows: Rows) -> str:
    """Return a Postman collection (v2.1) of one request."""
    parts = urlsplit(address)
    request = {
        "method": "POST",
        "header": [
            {"key": "Authorization", "value": "Api-Key {{key}}"},
            {"key": "Content-Type", "value": "application/json"},
        ],
        "body": {"mode": "raw", "raw": write_json(rows)},
        "url": {
            "raw": address,
            "host": [f"{parts.scheme}://{parts.netloc}"],
            "path": parts.path.strip("/").split("/"),
        },
    }
    return write_json(
        {
            "info": {"name": f"Rowhouse: {table}", "schema": POSTMAN_SCHEMA},
            "item": [{"name": f"Send rows to {table}", "request": request}],
            "variable": [{"key": "key", "value": ""}],
        }
    )
