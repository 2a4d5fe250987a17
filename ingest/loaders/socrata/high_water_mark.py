"""The high-water mark of a Socrata dataset: up to when it is loaded, and what is under way."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import F

from ingest.loaders.socrata.soql import quote_moment
from ingest.models import SocrataMark


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one load takes: rows modified in [low, high), created since a moment if one is given."""

    low: datetime | None
    high: datetime
    created_since: datetime | None = None  # floating
    last_id: str | None = None  # the last `:id` that is delivered

    def as_soql(self, created_field: str) -> list[str]:
        """Return the window as SoQL conditions."""
        return [
            *created_condition(self.created_since, created_field),
            *([f":updated_at >= {quote_moment(self.low)}"] if self.low else []),
            f":updated_at < {quote_moment(self.high)}",
        ]


def created_condition(created_since: datetime | None, created_field: str) -> list[str]:
    """Return the SoQL condition of which rows are wanted at all, none where all are."""
    return [f"{created_field} >= {quote_moment(created_since)}"] if created_since else []


def read_mark(name: str) -> SocrataMark:
    """Return the dataset's high-water mark, a new one where it was never loaded."""
    return SocrataMark.objects.get_or_create(name=name)[0]


def unfinished_window(mark: SocrataMark) -> Window | None:
    """Return the window of the load that was stopped, None where there is none."""
    if mark.high is None:
        return None
    return Window(
        low=mark.low,
        high=mark.high,
        created_since=floating(mark.created_since),
        last_id=mark.position,
    )


def begin_window(name: str, window: Window) -> None:
    """Record that a load of this window is under way, with nothing delivered yet."""
    SocrataMark.objects.filter(name=name).update(
        low=window.low,
        high=window.high,
        created_since=_as_stored(window.created_since),
        position=None,
        rows=0,
    )


def advance_window(name: str, window: Window, last_id: str, rows: int) -> None:
    """Record that all rows up to this `:id` have their outcome."""
    under_way = SocrataMark.objects.filter(name=name, high=window.high)
    under_way.update(position=last_id, rows=F("rows") + rows)


def finish_window(name: str, window: Window) -> None:
    """Make the window's end the new high-water mark."""
    SocrataMark.objects.filter(name=name, high=window.high).update(
        mark=window.high, low=None, high=None, position=None, finished_at=datetime.now(UTC)
    )


def floating(moment: datetime | None) -> datetime | None:
    """Return a stored floating moment without the zone that the column gives it."""
    return moment.replace(tzinfo=None) if moment else None


def _as_stored(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
