"""Which rows of a batch can be stored, and what is wrong with the others: decided from findings.

Pure: `writer` asks the database and writes.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from ingest.catalog.definitions import Table, UniqueKey
from ingest.outcome import OnConflict, Rejection, RowError
from ingest.validation.validated_rows import ValidatedBatch
from ingest.writing.constraints.checks import Violation


class UnknownValues:
    """The columns of which nobody knows what a row will hold once it is stored."""

    def __init__(self, table: Table) -> None:
        self._writable = frozenset(column.name for column in table.writable)
        self._generated = frozenset(c.name for c in table.columns if c.generated is not None)
        self._unforeseen = frozenset(
            column.name
            for column in table.writable
            if column.has_default and column.constant_default is None
        )

    def find_uncertain(self, brought: Collection[str], bad: Collection[str]) -> frozenset[str]:
        """Return those of a row that brings some columns, of which `bad` ones are refused."""
        uncertain = self._unforeseen.difference(brought).union(bad)
        return uncertain | self._generated if uncertain else uncertain

    def find_absent(self, brought: Collection[str]) -> frozenset[str]:
        """Return the columns that a row leaves out, and what is computed from them."""
        absent = self._writable.difference(brought)
        return absent | self._generated if absent else absent


class Isolation:
    """The rows of a batch that are still hoped for, and the rejected ones."""

    def __init__(
        self, batch: ValidatedBatch, unknown: UnknownValues, on_conflict: OnConflict
    ) -> None:
        self._batch = batch
        self._unknown = unknown
        self._on_conflict = on_conflict
        self._columns_of = {place: rows.columns for rows in batch.groups for place in rows.places}
        self.candidates = set(self._columns_of)
        self.rejected = {rejection.index: rejection for rejection in batch.rejections}
        self._refused: set[int] = set()  # the rows that only trying showed to be wrong

    def readmit_duplicates(self) -> bool:
        """Make candidates of the rows whose key a row had that was not stored after all."""
        readmitted = [
            index
            for index, rejection in self.rejected.items()
            if index in self._columns_of
            and all(error.first_index in self._refused for error in rejection.errors)
        ]
        self._refused.clear()
        self.candidates = set(readmitted)
        for index in readmitted:
            del self.rejected[index]
        return bool(readmitted)

    def find_readable(self) -> list[int]:
        """Return the rows of which constraints may be asked."""
        return [
            *self.candidates,
            *(index for index, rejection in self.rejected.items() if rejection.sound),
        ]

    def reject_broken(
        self, broken: Mapping[int, list[Violation]], *, keys_are_given: bool = True
    ) -> int:
        """Decide row by row, in order: a key is taken by the first row that keeps it.

        Rows whose only fault is a key of an earlier row are left alone until keys are given.
        Returns how many candidates are rejected.
        """
        before = len(self.candidates)
        taken: dict[tuple[UniqueKey, int | None], int] = {}
        for index in sorted(broken):
            errors, keys = self._find_errors(index, broken[index], taken)
            if index in self.rejected:
                self.rejected[index].errors.extend(errors)
            elif errors and (keys_are_given or any(e.first_index is None for e in errors)):
                self.reject(index, errors)
            elif not errors:
                taken.update(dict.fromkeys(keys, index))
        for rejection in self.rejected.values():
            rejection.sound = {}  # its errors are complete now
        return before - len(self.candidates)

    def _find_errors(
        self,
        index: int,
        violations: Iterable[Violation],
        taken: Mapping[tuple[UniqueKey, int | None], int],
    ) -> tuple[list[RowError], list[tuple[UniqueKey, int | None]]]:
        """Return what is wrong with a row, and the keys that it takes if nothing is."""
        uncertain, absent = self._find_gaps(index)
        errors, keys = [], []
        for rule, group in ((each.rule, each.group) for each in violations):
            if uncertain.intersection(rule.columns):
                continue
            if rule.of_stored_row and absent.intersection(rule.columns):
                continue
            if rule.key is None:
                errors.append(rule.error)
            elif (rule.key, group) in taken:
                first = taken[rule.key, group]
                errors.append(msgspec.structs.replace(rule.error, first_index=first))
            else:
                keys.append((rule.key, group))
        return errors, keys

    def _find_gaps(self, index: int) -> tuple[frozenset[str], frozenset[str]]:
        """Return the columns whose values are uncertain, and those that an update leaves alone."""
        rejection = self.rejected.get(index)
        brought: Collection[str] = rejection.sound if rejection else self._columns_of[index]
        bad = {name for e in rejection.errors for name in e.concerns} if rejection else set()
        absent: frozenset[str] = frozenset()
        if self._on_conflict == "update":
            absent = self._unknown.find_absent(brought)
        return self._unknown.find_uncertain(brought, bad), absent

    def reject(
        self, index: int, errors: list[RowError], values: dict[str, Any] | None = None
    ) -> None:
        """Reject a candidate; `values` are those that constraints may still be asked of."""
        self.candidates.remove(index)
        self.rejected[index] = self._batch.reject(index, errors)
        self.rejected[index].sound = values or {}

    def refuse(self, index: int, failure: RowError) -> None:
        """Reject a candidate that PostgreSQL has refused."""
        self._refused.add(index)
        self.reject(index, [failure])

    def rejections(self) -> tuple[Rejection, ...]:
        """Return the rejected rows in their order."""
        return tuple(self.rejected[index] for index in sorted(self.rejected))
