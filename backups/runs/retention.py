"""Which backups may be removed: a pure function of the backups, the clock and the policy."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from project.base.config import Keep

# Two machines' clocks may differ by this much before one is taken to be wrong.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class KeptBackup:
    """A finished backup; runs that failed are none."""

    id: UUID
    taken_at: datetime
    complete: bool
    proven: bool


def choose_removable(
    backups: Collection[KeptBackup], *, now: datetime, policy: Keep
) -> list[KeptBackup]:
    """Return the backups that no rule of the policy keeps, oldest first.

    Days and weeks are counted by the backups that are there, not by the calendar: no jump of the
    clock, and no month without backups, makes the last ones old. Where a backup is newer than the
    clock, the clock is wrong, and nothing may go. A backup of chosen tables is kept among the
    newest of its kind only; it never takes a complete one's place.
    """
    if any(backup.taken_at > now + CLOCK_TOLERANCE for backup in backups):
        return []
    newest_first = sorted(backups, key=lambda one: (one.taken_at, one.id), reverse=True)
    complete = [one for one in newest_first if one.complete]
    partial = [one for one in newest_first if not one.complete]
    kept = {one.id for one in complete[: policy.newest] + partial[: policy.newest]}
    kept |= _last_of_each(complete, datetime.date, policy.daily)
    kept |= _last_of_each(complete, lambda one: one.isocalendar()[:2], policy.weekly)
    kept |= {one.id for one in [one for one in complete if one.proven][: policy.proven]}
    return [one for one in reversed(newest_first) if one.id not in kept]


def _last_of_each(
    newest_first: Sequence[KeptBackup], period: Callable[[datetime], Any], count: int
) -> set[UUID]:
    last: dict[Any, UUID] = {}
    for one in newest_first:
        last.setdefault(period(one.taken_at.astimezone(UTC)), one.id)
    return set(list(last.values())[:count])
