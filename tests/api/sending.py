"""How tests send batches and look at what was stored."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.test import Client
from psycopg.sql import Composed


def send(
    client: Client,
    table: str,
    rows: Any,
    query: str = "",
    *,
    content_type: str = "application/json",
    **headers: str,
) -> Any:
    """POST rows (a value to be written as JSON, or the body itself) and return the answer."""
    body = rows if isinstance(rows, bytes | str) else json.dumps(rows)
    # Django's client leaves the length of an empty body out, as no real client does.
    return client.generic(
        "POST",
        f"/api/ingest/{table}{query}",
        body,
        content_type,
        headers=headers,
        CONTENT_LENGTH=str(len(body.encode() if isinstance(body, str) else body)),
    )


def execute(statement: str | Composed) -> None:
    """Run SQL as the administrator, as somebody with psql would."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def stored(query: str | Composed, values: Sequence[Any] | None = None) -> list[Any]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def codes(receipt: dict[str, Any]) -> dict[int, list[tuple[str, str | None]]]:
    """Return the sorted codes and columns of each rejected row of a receipt."""
    return {
        one["index"]: sorted(
            ((e["code"], e.get("column")) for e in one["errors"]),
            key=lambda found: (found[0], found[1] or ""),
        )
        for one in receipt["rejections"]
    }


def counts(answer: Any) -> tuple[int, int, int, int, int]:
    """Return what a receipt counts: received, inserted, updated, ignored, rejected."""
    receipt = answer.json()
    assert "received" in receipt, receipt
    received, inserted, updated, ignored, rejected = (
        receipt[name] for name in ("received", "inserted", "updated", "ignored", "rejected")
    )
    assert received == inserted + updated + ignored + rejected
    assert len(receipt["rejections"]) == rejected
    return received, inserted, updated, ignored, rejected


def first_indexes(answer: Any) -> dict[int, list[int]]:
    """Return, by rejected row, the earlier rows that its errors name."""
    return {
        one["index"]: [e["first_index"] for e in one["errors"] if "first_index" in e]
        for one in answer.json()["rejections"]
    }


def lines(answer: Any) -> dict[int, int]:
    """Return the line of each rejected row."""
    return {one["index"]: one["line"] for one in answer.json()["rejections"]}


def raws() -> list[bytes]:
    """Return the rejected rows as they were sent, in the order of their batch."""
    return [bytes(raw) for (raw,) in stored('SELECT raw FROM service.rejection ORDER BY "index"')]
