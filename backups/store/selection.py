"""Which tables a backup or restore is about."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from backups.errors import BackupError


class Named(Protocol):
    """Anything with a table's full name."""

    @property
    def full_name(self) -> str:
        """The name with its schema."""


N = TypeVar("N", bound=Named)


def is_included(full_name: str, *, include: Iterable[str], exclude: Iterable[str]) -> bool:
    """Return whether the settings want the table; patterns are `*`, `hiring.*`, a full name."""
    wanted = any(fnmatchcase(full_name, pattern) for pattern in include)
    return wanted and not any(fnmatchcase(full_name, pattern) for pattern in exclude)


def choose_tables(
    tables: Sequence[N], wanted: Sequence[str], *, exclude: Sequence[str] = ()
) -> list[N]:
    """Return the tables with these names (qualified or not), all of them for no names.

    `exclude` takes some out. Raise `BackupError` for a name that no table has, or that two have,
    and where no table is left.
    """
    chosen = _find_named(tables, wanted) if wanted else {one.full_name: one for one in tables}
    excluded = _find_named(tables, exclude)
    left = [one for name, one in chosen.items() if name not in excluded]
    if excluded and not left:
        raise BackupError("No table is left")
    return left


def _find_named(tables: Sequence[N], wanted: Sequence[str]) -> dict[str, N]:
    chosen = {}
    for name in wanted:
        found = [one for one in tables if name in {one.full_name, one.full_name.partition(".")[2]}]
        if not found:
            raise BackupError(f"There is no table {name[:200]!r} here")
        if len(found) > 1:
            names = ", ".join(table.full_name for table in found)
            raise BackupError(f"{name!r} is the name of several tables: {names}")
        chosen[found[0].full_name] = found[0]
    return chosen
