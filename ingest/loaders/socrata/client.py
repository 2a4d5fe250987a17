"""A client of the Socrata Open Data API: queries, keyset pages, retries."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Literal

import httpx
import msgspec

from ingest.loaders.retries import Failure, OnWait, RetryPolicy, is_transient, read_retry_after
from ingest.loaders.socrata.soql import Query, quote_text
from project.base.errors import RowhouseError

Row = dict[str, Any]
Version = Literal["2.1", "3"]

TIMEOUT_S = 120.0
PAGE_ROWS = 5000
# Socrata answers 202 while a query is still being prepared, and 500 for transient errors.
_TRANSIENT = frozenset({HTTPStatus.ACCEPTED, HTTPStatus.INTERNAL_SERVER_ERROR})

_rows = msgspec.json.Decoder(list[Row])


class SodaRefused(RowhouseError):
    """Socrata refuses the query; its own message says why."""

    code = "soda_refused"


class SodaUnreachable(RowhouseError):
    """Socrata did not answer in all the time it was given."""

    code = "soda_unreachable"


class TokenMissing(RowhouseError):
    """SODA 3 is open to requests with an app token only: set SOCRATA_APP_TOKEN."""

    code = "token_missing"


class SodaClient(AbstractContextManager["SodaClient"]):
    """A client of one dataset, such as fhrw-4uyv at data.cityofnewyork.us."""

    def __init__(
        self,
        domain: str,
        dataset: str,
        *,
        token: str | None = None,
        version: Version = "2.1",
        timeout_s: float = TIMEOUT_S,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        on_wait: OnWait | None = None,
    ) -> None:
        if version == "3" and not token:
            raise TokenMissing
        base = domain if "://" in domain else f"https://{domain}"
        headers = {"X-App-Token": token} if token else {}
        self._http = httpx.Client(base_url=base, headers=headers, timeout=timeout_s)
        self._dataset = dataset
        self._version = version
        self._retry = retry
        self._on_wait = on_wait

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def query(self, query: Query, timeout_s: float | None = None) -> list[Row]:
        """Return a query's rows; a field that is null is left out of its row.

        Sent again after transient failures (429, 5xx, a broken connection), with growing waits;
        raises `SodaRefused` or `SodaUnreachable`.
        """
        request = self._request(query, timeout_s)
        outcome = self._retry.retry(lambda: self._try(request), self._on_wait)
        if isinstance(outcome, Failure):
            raise SodaUnreachable(outcome.reason)
        return outcome

    def read_pages(
        self,
        query: Query,
        *,
        page_rows: int = PAGE_ROWS,
        after: str | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[list[Row]]:
        """Yield the rows in pages, each with its `:id`, in the order of `:id`, after the given one.

        A page asks for what comes after the last `:id` of the one before: rows that are added or
        removed meanwhile shift nothing, and page 6000 costs what page 1 does.
        """
        while True:
            where = [*query.where, f":id > {quote_text(after)}"] if after else query.where
            asked = replace(query, select=[":id", *query.select], where=where, order=[":id"])
            page = self.query(replace(asked, limit=page_rows), timeout_s)
            if page:
                yield page
            if len(page) < page_rows:
                return
            after = str(page[-1][":id"])

    def read_groups(self, query: Query, timeout_s: float | None = None) -> list[Row]:
        """Return all rows of a query with groups, which have no `:id` to page by."""
        rows: list[Row] = []
        while True:
            page = replace(query, order=query.group, limit=PAGE_ROWS, offset=len(rows))
            found = self.query(page, timeout_s)
            rows += found
            if len(found) < PAGE_ROWS:
                return rows

    def _request(self, query: Query, timeout_s: float | None) -> httpx.Request:
        timeout = httpx.Timeout(timeout_s) if timeout_s else self._http.timeout
        if self._version == "2.1":
            path = f"/resource/{self._dataset}.json"
            parameters = query.as_parameters()
            return self._http.build_request("GET", path, params=parameters, timeout=timeout)
        size = query.limit or PAGE_ROWS
        body = {
            "query": query.as_text(),
            "page": {"pageNumber": query.offset // size + 1, "pageSize": size},
            "includeSynthetic": False,
        }
        path = f"/api/v3/views/{self._dataset}/query.json"
        return self._http.build_request("POST", path, json=body, timeout=timeout)

    def _try(self, request: httpx.Request) -> list[Row] | Failure:
        try:
            response = self._http.send(request)
        except httpx.TransportError as error:
            return Failure(f"no answer from Socrata ({error or type(error).__name__})")
        status = response.status_code
        if status in _TRANSIENT or is_transient(status):
            asked_s = read_retry_after(response.headers.get("Retry-After"))
            return Failure(f"Socrata answers {status}", asked_s)
        if status != HTTPStatus.OK:
            message = f"Socrata answers {status}: {_read_message(response)}"
            raise SodaRefused(message, status=status)
        try:
            return _rows.decode(response.content)
        except msgspec.DecodeError as error:
            return Failure(f"the answer is not a list of rows ({error})")


def _read_message(response: httpx.Response) -> str:
    with suppress(ValueError, AttributeError):
        return str(response.json().get("message") or response.reason_phrase)[:500]
    return response.reason_phrase
