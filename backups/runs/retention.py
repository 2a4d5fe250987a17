"""Which backups may be removed: a pure function of the backups, the clock and the policy."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from backups.store.archive import CLOCK_TOLERANCE
from project.base.config import Keep


@dataclass(frozen=True)
class KeptBackup:
    """A finished backup; runs that failed are none."""

    id: UUID
    taken_at: datetime
    complete: bool
    proven: bool
    pinned: bool = False


def explain_retention(
    backups: Collection[KeptBackup], *, now: datetime, policy: Keep
) -> dict[KeptBackup, list[str]]:
    """Return what keeps each backup, newest first; nothing keeps those that may be removed.

    Days and weeks are counted by the backups that are there, not by the calendar: no jump of the
    clock, and no month without backups, makes the last ones old. Where a backup is newer than the
    clock, the clock is wrong, and nothing may go. A backup of chosen tables, or one that lacks
    some, is kept among the newest of its kind only; it never takes a complete one's place.
    """
    newest_first = sorted(backups, key=lambda one: (one.taken_at, one.id), reverse=True)
    complete = [one for one in newest_first if one.complete]
    partial = [one for one in newest_first if not one.complete]
    weeks = _last_of_each(complete, lambda one: one.isocalendar()[:2], policy.weekly)
    rules = {
        "pinned": {one.id for one in newest_first if one.pinned},
        "newest": {one.id for one in complete[: policy.newest] + partial[: policy.newest]},
        "daily": _last_of_each(complete, datetime.date, policy.daily),
        "weekly": weeks,
        "proven": {one.id for one in [one for one in complete if one.proven][: policy.proven]},
    }
    if any(one.taken_at > now + CLOCK_TOLERANCE for one in backups):
        rules["a backup is newer than the clock"] = {one.id for one in backups}
    return {one: [rule for rule, ids in rules.items() if one.id in ids] for one in newest_first}


def _last_of_each(
    newest_first: Sequence[KeptBackup], period: Callable[[datetime], Any], count: int
) -> set[UUID]:
    last: dict[Any, UUID] = {}
    for one in newest_first:
        last.setdefault(period(one.taken_at.astimezone(UTC)), one.id)
    return set(list(last.values())[:count])
