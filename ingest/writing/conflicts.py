"""What becomes of a row that has a key in common with another one: which keys are meant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.catalog.definitions import Column, Table, UniqueKey
from ingest.errors import BadParameter, ConflictKeyMissing
from ingest.outcome import OnConflict
from ingest.validation.validated_rows import ValidatedRows


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How rows are to be written that meet a row with the same key."""

    on_conflict: OnConflict = "reject"
    key: UniqueKey | None = None  # whose conflicts are ignored or updated; None: those of any key
    returns_keys: bool = False  # the primary key of each row that is stored is wanted

    def settles(self, key: UniqueKey) -> bool:
        """Return whether a row is not rejected for having this key in common with another one."""
        if self.on_conflict == "reject" or key.deferrable:
            return False
        return self.key is None or key is self.key or key == self.key


REJECT_CONFLICTS = WriteOptions()


def find_conflict_key(table: Table, on_conflict: OnConflict, name: str | None) -> UniqueKey | None:
    """Return the key with this name or these columns, the primary key where none is named.

    None where there are no conflicts to settle, or where those of any key are ignored. Raises
    `BadParameter`, which names the keys that there are.
    """
    if on_conflict == "reject":
        return None
    if table.ruled:
        raise BadParameter(
            f"{table.full_name} has rules for INSERT or UPDATE, with which PostgreSQL settles no "
            "conflicts: only on_conflict=reject is possible",
            parameter="on_conflict",
        )
    usable = [key for key in table.unique_keys if not key.deferrable]
    if name:
        found = _find_named(usable, name)
    elif on_conflict == "update":
        found = [key for key in usable if key.primary]
    elif usable == list(table.unique_keys) != []:
        return None
    else:
        found = usable  # PostgreSQL cannot ignore conflicts of any key where one is deferrable
    if len(found) == 1:
        return found[0]
    wanted = f"one unique key {name!r}" if name else "one key to be meant: name a conflict_key"
    keys = "; ".join(f"{key.name} ({', '.join(key.columns)})" for key in usable) or "none"
    raise BadParameter(
        f"{table.full_name} does not have {wanted}. Keys that can settle conflicts: {keys}",
        parameter="conflict_key",
    )


def _find_named(keys: Iterable[UniqueKey], name: str) -> list[UniqueKey]:
    columns = sorted(column.strip() for column in name.split(","))
    by_name = [key for key in keys if key.name == name]
    return by_name or [key for key in keys if sorted(key.columns) == columns]


def check_keys_given(table: Table, options: WriteOptions, groups: Sequence[ValidatedRows]) -> None:
    """Raise `ConflictKeyMissing` where rows bring no value for the key that settles conflicts.

    Sent again they would all be inserted again.
    """
    if options.on_conflict == "reject":
        return
    if options.key is not None:
        brought = [set(rows.columns) for rows in groups]
        missing = [
            name
            for name in options.key.columns
            if table.by_name[name].varies and any(name not in each for each in brought)
        ]
        if missing:
            raise ConflictKeyMissing(options.key.name, missing)
        return
    keys = [key for key in table.unique_keys if options.settles(key)]
    if groups and not any(_is_given(table, key, groups) for key in keys):
        columns = sorted({name for key in keys for name in key.columns})
        raise ConflictKeyMissing(", ".join(key.name for key in keys), columns)


def _is_given(table: Table, key: UniqueKey, groups: Iterable[ValidatedRows]) -> bool:
    """Return whether some row has a value for each column of a key."""
    return any(
        all(
            any(value is not None for value in rows.values.column(name))
            if name in rows.columns
            else _has_constant(table.by_name[name])
            for name in key.columns
        )
        for rows in groups
    )


def _has_constant(column: Column) -> bool:
    return column.generated is not None or (column.has_default and not column.varies)
