"""The requested days (`from`, `to`, `page`), and the links to those before and after."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from project.base.errors import BadParameter

PARAMETERS = frozenset({"from", "to", "page"})
DAY = timedelta(days=1)
Span = tuple[date, date]  # the first and the last day
_PAGE = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class DayRange:
    """The parameters of a request; None where one is not given."""

    first: date | None
    last: date | None
    page: int | None


@dataclass(frozen=True)
class Days:
    """The days of an answer and, where a range or page is asked for, those before and after.

    `following` and `preceding` are the parameters of the days before and after: answers begin with
    the newest day. None is nothing there.
    """

    first: date
    last: date
    following: Mapping[str, str] | None = None
    preceding: Mapping[str, str] | None = None


def read_range(query: Mapping[str, str]) -> DayRange:
    """Read the parameters; raise `BadParameter`."""
    first, last = (_read_optional(query, name) for name in ("from", "to"))
    if first and last and first > last:
        raise BadParameter("from must not be after to", parameter="from")
    text = query.get("page")
    if text is not None and not _PAGE.fullmatch(text):
        raise BadParameter("page must be a number from 1", parameter="page")
    return DayRange(first, last, int(text) if text else None)


def read_day(text: str, parameter: str) -> date:
    """Read a day as 2021-03-07, or as answers write it: 2021-03-07T00:00:00Z."""
    try:
        day = text.removesuffix("T00:00:00Z")
        if len(day) != len("2021-03-07"):
            raise ValueError(text)
        return date.fromisoformat(day)
    except ValueError as error:
        raise BadParameter(
            f"{parameter} must be a day such as 2021-03-07", parameter=parameter
        ) from error


def choose_days(asked: DayRange, span: Span, page_days: int) -> Days:
    """Return the days to answer out of those there are."""
    first = max(asked.first or span[0], span[0])
    last = min(asked.last or span[1], span[1])
    if asked.page is not None:
        return _choose_page(asked.page, first, last, page_days)
    if asked.first is None and asked.last is None:
        return Days(first, last)
    length = max(last - first, timedelta(0))
    return Days(first, last, _list_before(asked, span, length), _list_after(asked, span, length))


def _choose_page(page: int, first: date, last: date, page_days: int) -> Days:
    pages = max(-(-((last - first).days + 1) // page_days), 1)
    if page > pages:
        raise BadParameter(f"There are {pages} pages", parameter="page")
    newest = last - (page - 1) * page_days * DAY
    oldest = max(first, newest - (page_days - 1) * DAY)
    return Days(
        oldest,
        newest,
        {"page": str(page + 1)} if page < pages else None,
        {"page": str(page - 1)} if page > 1 else None,
    )


def _list_before(asked: DayRange, span: Span, length: timedelta) -> dict[str, str] | None:
    if asked.first is None or asked.first <= span[0]:
        return None
    found = {"to": str(asked.first - DAY)}
    if asked.last is not None:
        found["from"] = str(max(asked.first - length - DAY, span[0]))
    return found


def _list_after(asked: DayRange, span: Span, length: timedelta) -> dict[str, str] | None:
    if asked.last is None or asked.last >= span[1]:
        return None
    found = {"from": str(asked.last + DAY)}
    if asked.first is not None:
        found["to"] = str(min(asked.last + length + DAY, span[1]))
    return found


def _read_optional(query: Mapping[str, str], name: str) -> date | None:
    return read_day(query[name], name) if name in query else None
