"""Pages of list endpoints: opaque, signed cursors and the links to the next and previous page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import msgspec
from django.core import signing
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from rest_framework.request import Request

from project.base.errors import BadParameter

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
PAGING = frozenset({"limit", "cursor"})
# What a CSV field has only in quotes, or nowhere.
_UNQUOTED = frozenset('",\r\n\0')

Direction = Literal["next", "previous"]
Row = TypeVar("Row")
AnyModel = TypeVar("AnyModel", bound=Model)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What every list endpoint answers."""

    next: str | None
    previous: str | None
    results: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after (`next`) or before (`previous`) the row with this key."""

    direction: Direction
    key: list[Any]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for. A cursor is good for the address and the order it was made for."""

    path: str
    address: str
    query: QueryDict
    order: str
    limit: int
    cursor: Cursor | None

    @property
    def is_backwards(self) -> bool:
        """Whether the rows before the cursor are asked for, to be read in reverse order."""
        return self.cursor is not None and self.cursor.direction == "previous"

    def arrange(
        self, rows: Sequence[Row], key_of: Callable[[Row], Sequence[Any]]
    ) -> tuple[Sequence[Row], str | None, str | None]:
        """Return a page's rows in their order, and the links to the next and previous page.

        `rows` are up to `limit + 1`, read from the cursor on in its direction.
        """
        has_next, has_previous = len(rows) > self.limit, self.cursor is not None
        rows = rows[: self.limit]
        if self.is_backwards:
            rows = rows[::-1]
            has_next, has_previous = has_previous, has_next
        if not rows:
            return rows, None, None
        return (
            rows,
            self._link("next", key_of(rows[-1])) if has_next else None,
            self._link("previous", key_of(rows[0])) if has_previous else None,
        )

    def _link(self, direction: Direction, key: Sequence[Any]) -> str:
        signed = signing.dumps([direction, list(key)], salt=_salt(self.path, self.order))
        kept = [
            (name, v) for name, values in self.query.lists() for v in values if name != "cursor"
        ]
        return f"{self.address}?{urlencode([*kept, ('cursor', signed)])}"


def read_page_request(
    request: HttpRequest, *, order: str = "", max_limit: int = MAX_LIMIT
) -> PageRequest:
    """Read `limit` and `cursor`; raise `BadParameter` for a cursor made elsewhere or changed."""
    return PageRequest(
        path=request.path,
        address=request.build_absolute_uri(request.path),
        query=request.GET,
        order=order,
        limit=read_limit(request.GET, max_limit),
        cursor=_read_cursor(request.GET.get("cursor"), _salt(request.path, order)),
    )


def read_limit(query: Mapping[str, str], maximum: int) -> int:
    """Read how many results are asked for."""
    text = query.get("limit", str(DEFAULT_LIMIT))
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    if not (is_number and 1 <= int(text) <= maximum):
        raise BadParameter(f"limit must be 1 to {maximum}", parameter="limit")
    return int(text)


def read_number(query: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    """Return a parameter that is a whole number in these bounds."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 15 and low <= int(text) <= high):
        raise BadParameter(f"{name} must be a number from {low} to {high}", parameter=name)
    return int(text)


def link_offsets(
    request: Request, query: Mapping[str, Any], *, limit: int, offset: int, count: int | None
) -> dict[str, str | None]:
    """Return the links to the next and previous page of `count` rows, with the query's rest."""

    def link(to: int) -> str:
        changed = {**query, "limit": limit, "offset": to}
        return request.build_absolute_uri(f"?{urlencode(changed, doseq=True)}")

    return {
        "next": link(offset + limit) if offset + limit < (count or 0) else None,
        "previous": link(max(0, offset - limit)) if offset else None,
    }


def page_newest_first(
    request: PageRequest, rows: QuerySet[AnyModel], show: Callable[[AnyModel], Any]
) -> Page:
    """Return a page of records ordered by falling primary key."""
    rows = rows.order_by("pk" if request.is_backwards else "-pk")
    if request.cursor is not None:
        comparison = "pk__gt" if request.is_backwards else "pk__lt"
        rows = rows.filter(**{comparison: request.cursor.key[0]})
    found, following, preceding = request.arrange(
        list(rows[: request.limit + 1]), lambda row: [str(row.pk)]
    )
    return Page(next=following, previous=preceding, results=[show(row) for row in found])


def refuse_unknown(query: Mapping[str, str], known: frozenset[str]) -> None:
    """Raise `BadParameter` for a parameter nobody reads: a misspelt filter must not be ignored.

    No value may hold U+0000, which PostgreSQL cannot even compare with.
    """
    for name, value in query.items():
        if name not in known:
            shown = name[:100]
            raise BadParameter(f"There is no parameter {shown!r} here", parameter=shown)
        if "\0" in value:
            raise BadParameter(f"{name} holds the character U+0000", parameter=name)


def read_choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """Return a parameter that has one of a few values; the first one is its default."""
    value = query.get(name, allowed[0])
    if value not in allowed:
        raise BadParameter(f"{name} must be one of {', '.join(allowed)}", parameter=name)
    return value


def read_nulls(query: QueryDict) -> tuple[str, ...]:
    """Return the words that mean null in CSV, where they stand without quotes."""
    words = tuple(dict.fromkeys(query.getlist("null")))
    for word in words:
        if not _UNQUOTED.isdisjoint(word):
            raise BadParameter(
                "null must be a word without commas, quotes and line ends", parameter="null"
            )
    return words


def _read_cursor(text: str | None, salt: str) -> Cursor | None:
    if text is None:
        return None
    try:
        direction, key = signing.loads(text, salt=salt)
    except signing.BadSignature as error:
        raise BadParameter(
            "This cursor was not made for this list; start again without it", parameter="cursor"
        ) from error
    return Cursor(direction, key)


def _salt(path: str, order: str) -> str:
    return f"rowhouse.cursor {path} {order}"
