"""A single batch, sent once: the answer as it comes, with nothing tried again."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.faults.clients import ANSWER_PATIENCE_S


@dataclass(frozen=True)
class Answer:
    """Status, headers and JSON of an answer."""

    status: int
    headers: http.client.HTTPMessage
    json: Any


def send_once(
    url: str,
    key: str,
    table: str,
    rows: list[dict[str, Any]],
    query: str = "",
    *,
    batch_key: str | None = None,
    timeout_s: float = ANSWER_PATIENCE_S,
) -> Answer:
    """POST the rows; raise `TimeoutError` where no answer comes in time."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        str(parts.hostname), int(parts.port or 80), timeout=timeout_s
    )
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    if batch_key is not None:
        headers["Idempotency-Key"] = batch_key
    try:
        connection.request("POST", f"/api/ingest/{table}{query}", json.dumps(rows), headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, json.loads(response.read()))
    finally:
        connection.close()
