"""GET /api/tables/{table}/rows and DELETE /api/tables/{table}/rows/{key}."""

import sys
from collections.abc import Iterable, Sequence

import msgspec
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from ingest.api.permission import check_table, datasets_of_table
from ingest.catalog.definitions import Table
from ingest.errors import TableAmbiguous, TableNotWritable, TableUnknown
from ingest.reading.keyset import key_of
from ingest.reading.rows import Key, TableNotReadable, read_page, stream_fields, stream_json
from ingest.reading.selection import Selection, read_selection
from ingest.writing.deletion import (
    DeleteRefused,
    RowReferenced,
    RowUnknown,
    TableHasNoKey,
    delete_row,
    parse_key,
)
from ingest.writing.tables import exposed_tables
from project.base.csv_text import csv_lines
from project.base.database import reader_connection, writer_connection
from project.base.errors import BadParameter
from project.base.logs import note
from project.http.answers import answer_json, in_pieces
from project.http.openapi import (
    CSV_TEXT,
    NDJSON_TEXT,
    NULL_PARAMETER,
    SAFE_PARAMETER,
    Errors,
    answers,
    page_of,
    paging_parameters,
    parameter,
)
from project.http.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Page,
    PageRequest,
    read_choice,
    read_nulls,
    read_page_request,
)
from project.models import Scope

ROWS_PARAMETERS = [
    parameter("columns", "Only these columns, in this order: `employee_id,hire_date`"),
    parameter("order", "Columns to order by, `-` before one that falls: `hire_date,-employee_id`"),
    parameter("format", "csv and ndjson: all rows, streamed", enum=["json", "csv", "ndjson"]),
    NULL_PARAMETER,
    SAFE_PARAMETER,
    parameter(
        "limit",
        f"Rows of a page, up to {MAX_LIMIT}, or of the whole stream",
        type="integer",
        minimum=1,
        default=DEFAULT_LIMIT,
    ),
    paging_parameters()[1],
]


class RowsView(APIView):
    """The rows of a table."""

    scopes = {"GET": Scope.READ}
    datasets = staticmethod(datasets_of_table)
    errors: Errors = {"GET": [BadParameter, TableUnknown, TableAmbiguous, TableNotReadable]}

    @extend_schema(
        summary="Read rows",
        parameters=ROWS_PARAMETERS,
        responses=answers(
            {
                200: page_of({"type": "object"}),
                (200, "text/csv"): CSV_TEXT,
                (200, "application/x-ndjson"): NDJSON_TEXT,
            }
        ),
    )
    def get(self, request: Request, table: str) -> HttpResponseBase:
        """Answer rows that can be ingested again as they are.

        Any column filters: `column=value`, `column__gte`, `__gt`, `__lte`, `__lt`, `__ne`, `__in`
        (comma-separated), `__isnull`. Filters are combined.
        """
        known = exposed_tables().find_current(reader_connection(), table)
        order = request.GET.get("order", "")
        selection = read_selection(
            known.table,
            dict(request.GET.lists()),
            order=order,
            columns=request.GET.get("columns"),
        )
        form = read_choice(request.GET, "format", ("json", "csv", "ndjson"))
        safe = read_choice(request.GET, "safe", ("false", "true")) == "true"
        if form == "json":
            page = read_page_request(request._request, order=order)
            return answer_json(_read_page(page, known.table, selection))
        page = read_page_request(request._request, order=order, max_limit=sys.maxsize)
        nulls = read_nulls(request.GET)
        return _stream(page, known.table, selection, form, safe=safe, nulls=nulls)


class RowView(APIView):
    """One row of a table."""

    scopes = {"DELETE": Scope.ADMIN}
    errors: Errors = {
        "DELETE": [
            BadParameter,
            TableUnknown,
            TableAmbiguous,
            TableNotWritable,
            TableHasNoKey,
            RowUnknown,
            RowReferenced,
            DeleteRefused,
        ]
    }

    @extend_schema(summary="Delete a row", responses=answers({204: None}))
    def delete(self, request: Request, table: str, key: str) -> HttpResponse:
        """Delete the row with this primary key.

        The values of a composite key are comma-separated, in the key's order; a value with a
        comma stands in double quotes.
        """
        connection = writer_connection()
        known = exposed_tables().find_current(connection, table)
        check_table(request, known.table.full_name)
        delete_row(connection, known.table, parse_key(known.table, key))
        note(request._request, table=known.table.full_name, deleted=1)
        return HttpResponse(status=204)


def _read_page(page: PageRequest, table: Table, selection: Selection) -> Page:
    found = read_page(
        reader_connection(),
        table,
        selection,
        limit=page.limit + 1,
        after=_after(page, table, selection),
        backwards=page.is_backwards,
    )
    rows, following, preceding = page.arrange(found, lambda row: row[1])
    texts = [msgspec.Raw(text.encode()) for text, _ in rows]
    return Page(next=following, previous=preceding, results=texts)


def _stream(
    page: PageRequest,
    table: Table,
    selection: Selection,
    form: str,
    *,
    safe: bool,
    nulls: Sequence[str],
) -> StreamingHttpResponse:
    if page.is_backwards:
        raise BadParameter("A stream cannot run backwards", parameter="cursor")
    limit = page.limit if "limit" in page.query else None
    after = _after(page, table, selection)
    if form == "csv":
        records = stream_fields(table, selection, limit=limit, after=after)
        header = [column.name for column in selection.columns]
        content: Iterable[bytes] = csv_lines(header, records, safe=safe, nulls=nulls)
        content_type = "text/csv; charset=utf-8"
    else:
        content = stream_json(table, selection, limit=limit, after=after)
        content_type = "application/x-ndjson"
    name = "".join(each if each.isalnum() and each.isascii() else "_" for each in table.name)
    return StreamingHttpResponse(
        in_pieces(content),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
    )


def _after(page: PageRequest, table: Table, selection: Selection) -> Key | None:
    """Return the cursor's key; raise `BadParameter` where the table has another key by now."""
    if page.cursor is None:
        return None
    key = page.cursor.key
    if len(key) != len(key_of(table, selection.order)):
        raise BadParameter("The table has changed; start again without it", parameter="cursor")
    return key
