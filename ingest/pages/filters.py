"""The desk's filters: what its address says, and which choices there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.db.models import Count, F, Func, QuerySet

from ingest.models import Rejection
from ingest.rejections.listing import FILTERS
from project.http.pagination import refuse_unknown

# So many of the newest that match are counted; a number of ten thousand rows tells enough.
COUNTED = 10_000

ANY = "any"


@dataclass(frozen=True)
class Choice:
    """A value that rejections which match have, and how many of them."""

    value: str
    rows: int
    query: str


@dataclass(frozen=True)
class Matching:
    """What is known of all that match: how many, up to `COUNTED`, and why."""

    rows: int
    is_more: bool
    codes: list[Choice]
    columns: list[Choice]


def read_filters(query: Mapping[str, str]) -> dict[str, str]:
    """Return the filters of an address, as the API has them: those that are open unless told.

    An empty value is none, and a time without an offset is UTC: forms send both. `state=any`
    stands for every state. Raises `BadParameter` for an unknown filter.
    """
    refuse_unknown(query, FILTERS | {"cursor"})
    filters = {name: query[name].strip() for name in sorted(FILTERS) if query.get(name, "").strip()}
    for name in ("since", "until"):
        if name in filters:
            filters[name] = _add_offset(filters[name])
    state = filters.setdefault("state", str(Rejection.State.OPEN))
    if state == ANY:
        del filters["state"]
    return filters


def show_filters(filters: Mapping[str, str]) -> dict[str, str]:
    """Return the filters as the form shows them: times in UTC without an offset."""
    shown = {"state": ANY} | dict(filters)
    for name in ("since", "until"):
        if name in shown:
            moment = datetime.fromisoformat(shown[name]).astimezone(UTC)
            precision = "milliseconds" if moment.microsecond else "seconds"
            shown[name] = moment.replace(tzinfo=None).isoformat(timespec=precision)
    return shown


def describe_matching(rejections: QuerySet[Rejection], filters: Mapping[str, str]) -> Matching:
    """Count the newest that match, by code and by column."""
    newest = rejections.order_by("-pk").values("pk")[: COUNTED + 1]
    rows = newest.count()
    counted = Rejection.objects.filter(pk__in=newest[:COUNTED])
    return Matching(
        rows=min(rows, COUNTED),
        is_more=rows > COUNTED,
        codes=_count(counted, "codes", filters, "code"),
        columns=_count(counted, "columns", filters, "column"),
    )


def _count(
    rejections: QuerySet[Rejection], field: str, filters: Mapping[str, str], name: str
) -> list[Choice]:
    found = (
        rejections.order_by()
        .annotate(value=Func(F(field), function="unnest"))
        .values("value")
        .annotate(rows=Count("pk"))
        .order_by("-rows", "value")
        .values_list("value", "rows")
    )
    kept = {"state": ANY} | dict(filters)
    return [Choice(value, rows, urlencode(kept | {name: value})) for value, rows in found]


def _add_offset(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text  # which the API's own filter refuses, saying why
    return text if moment.tzinfo else f"{text}Z"
