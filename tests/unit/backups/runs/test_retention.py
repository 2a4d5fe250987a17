"""Which backups may go."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from backups.runs.retention import KeptBackup, explain_retention
from project.base.config import Keep

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


def backup(days_ago: float, *, complete: bool = True, proven: bool = False) -> KeptBackup:
    number = round(days_ago * 86400)
    return KeptBackup(UUID(int=10**9 - number), NOW - timedelta(days=days_ago), complete, proven)


def choose_removable(backups: list[KeptBackup], policy: Keep) -> list[KeptBackup]:
    """Return the backups that nothing keeps, the oldest first."""
    reasons = explain_retention(backups, now=NOW, policy=policy)
    return [one for one, why in reversed(reasons.items()) if not why]


def removable(backups: list[KeptBackup], **policy: int) -> list[float]:
    keep = Keep(**({"newest": 1, "daily": 0, "weekly": 0, "proven": 0} | policy))
    gone = choose_removable(backups, keep)
    return [(NOW - one.taken_at).total_seconds() / 86400 for one in gone]


def test_keeps_the_newest_ones() -> None:
    assert removable([backup(3), backup(1), backup(2)], newest=2) == [3]


def test_keeps_the_last_one_of_each_day() -> None:
    assert removable([backup(0.1), backup(0.2), backup(1), backup(1.25)], daily=2) == [1.25, 0.2]


def test_keeps_the_last_one_of_each_week() -> None:
    assert removable([backup(0), backup(1), backup(7), backup(8), backup(14)], weekly=2) == [
        14,
        8,
        1,
    ]


def test_keeps_the_newest_proven_one() -> None:
    assert removable([backup(0), backup(5), backup(9, proven=True)], proven=1) == [5]


def test_a_backup_of_chosen_tables_takes_no_complete_ones_place() -> None:
    assert removable([backup(0, complete=False), backup(1)]) == []


def test_counts_days_with_backups_after_a_long_pause() -> None:
    assert removable([backup(400), backup(401)], daily=2) == []


def test_removes_nothing_while_a_backup_is_newer_than_the_clock() -> None:
    assert removable([backup(-1), backup(1), backup(2)]) == []


@given(
    st.lists(st.builds(backup, st.floats(0, 900), complete=st.booleans(), proven=st.booleans())),
    st.builds(
        Keep,
        newest=st.integers(1, 9),
        daily=st.integers(0, 9),
        weekly=st.integers(0, 9),
        proven=st.integers(0, 9),
    ),
)
def test_never_leaves_fewer_than_the_policy_promises(
    backups: list[KeptBackup], policy: Keep
) -> None:
    backups = list({one.id: one for one in backups}.values())
    gone = choose_removable(backups, policy)
    left = [one for one in backups if one not in gone]
    for complete in (True, False):
        of_kind = [one for one in backups if one.complete is complete]
        assert len([one for one in left if one.complete is complete]) >= min(
            len(of_kind), policy.newest
        )
    proven = [one for one in backups if one.proven and one.complete]
    assert len([one for one in left if one in proven]) >= min(len(proven), policy.proven)
    assert choose_removable(left, policy) == []
