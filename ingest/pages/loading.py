"""/load/: a file sent to a table by the browser, in batches, through the ingest endpoint."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ingest.reading.description import list_tables
from project.base.config import Ingest
from project.base.database import reader_connection
from project.http.access.sessions import find_signed_in
from project.http.people.pages import page
from project.models import Scope

MAX_ROWS = 1000

# A 16-bit unit of a script's text takes up to three bytes of UTF-8; the rest is for the header.
BYTES_OF_A_UNIT = 4
MAX_CHARACTERS = 1 << 20


@page(Scope.INGEST)
def show_load(request: HttpRequest) -> HttpResponse:
    """Show the form, with `table` chosen already; all else happens in the browser."""
    limits: Ingest = settings.CONFIG.ingest
    signed_in = find_signed_in(request)
    tables = list_tables(reader_connection(), list(settings.CONFIG.datasets))
    return render(
        request,
        "ingest/load.html",
        {
            "tables": tables,
            "chosen": request.GET.get("table"),
            "max_rows": min(limits.max_rows, MAX_ROWS),
            # Idempotency keys are those of the sender, and are remembered so long.
            "sender": signed_in.prefix if signed_in else "",
            "hours": limits.idempotency_hours,
            "max_characters": min(limits.max_bytes // BYTES_OF_A_UNIT, MAX_CHARACTERS),
        },
    )
