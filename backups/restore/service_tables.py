"""The tables of `service` in a restore: all of them together, by the command line alone."""

from collections.abc import Iterable, Sequence

from backups.errors import RestoreRefused, ServiceTablesProtected
from backups.make.snapshot import SERVICE_SCHEMA, SERVICE_TABLES

FULL_NAMES = frozenset(f"{SERVICE_SCHEMA}.{table}" for table in SERVICE_TABLES)


def find_service_tables(names: Iterable[str]) -> list[str]:
    """Return those of the names, qualified or not, that mean tables of `service`."""
    prefix = f"{SERVICE_SCHEMA}."
    return [name for name in names if name.startswith(prefix) or prefix + name in FULL_NAMES]


def check_service_tables(names: Sequence[str], *, allowed: bool, is_replaced: bool = True) -> None:
    """Raise unless tables with these full names leave receipts and rejections consistent.

    `ServiceTablesProtected` where they may not be restored at all, `RestoreRefused` for a part.
    """
    found = find_service_tables(names)
    if not found:
        return
    if not allowed:
        raise ServiceTablesProtected(
            f"{', '.join(found)}: receipts and rejections are restored by `manage.py restore` alone"
        )
    if set(found) != FULL_NAMES or not is_replaced:
        together = " and ".join(sorted(FULL_NAMES))
        raise RestoreRefused(f"{together} are restored together, with the mode replace")
