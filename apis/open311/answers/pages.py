"""Pages of lists (api.md, "Pagination")."""

from collections.abc import Sequence
from typing import Any

import msgspec


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is asked for."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many results come before it."""
        return (self.number - 1) * self.size


class Listing(msgspec.Struct, frozen=True):
    """A page of results under the list's own name."""

    name: str
    rows: Sequence[dict[str, Any] | msgspec.Struct]
    total: int
    page: Page
    is_estimate: bool = False

    @property
    def counts(self) -> dict[str, Any]:
        """The counts that go with the page's results."""
        counts: dict[str, Any] = {
            "total": self.total,
            "pages": -(-self.total // self.page.size),
            "page": self.page.number,
            "per_page": self.page.size,
        }
        return counts | ({"total_is_estimate": True} if self.is_estimate else {})


def cut_page(name: str, rows: Sequence[dict[str, Any]], page: Page) -> Listing:
    """Return a page of a complete list."""
    return Listing(name, rows[page.offset : page.offset + page.size], len(rows), page)
