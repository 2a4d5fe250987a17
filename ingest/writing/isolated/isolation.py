"""Which rows of a batch can be stored, and what is wrong with the others: decided from findings.

Pure: `writer` asks the database and writes.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from ingest.catalog.definitions import Table, UniqueKey
from ingest.outcome import Rejection, RowError, describe_missing
from ingest.validation.validated_rows import ValidatedBatch
from ingest.writing.conflicts import WriteOptions
from ingest.writing.constraints.checks import Violation

_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class UnknownValues:
    """The columns of which nobody knows what a row will hold once it is stored."""

    def __init__(self, table: Table) -> None:
        self._writable = frozenset(column.name for column in table.writable)
        self._generated = frozenset(c.name for c in table.columns if c.generated is not None)
        self.required = frozenset(column.name for column in table.columns if column.required)
        # Columns that are null where a row leaves them out.
        self.null = frozenset(c.name for c in table.writable if not c.has_default)
        self.deferrable = [key for key in table.unique_keys if key.deferrable]
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


# A key, and a number that the rows of the batch have in common which have the same one.
_Taken = tuple[UniqueKey | None, int | None]


class _Verdict(NamedTuple):
    """What is decided of a row: it is rejected for errors, or has keys."""

    errors: list[RowError]
    keys: list[_Taken]
    is_stored: bool  # it meets a row of the table, or an earlier one, whose conflicts are settled


class Isolation:
    """The rows of a batch that are still hoped for, and the rejected ones.

    With `judges_late` rows may have deferrable keys in common until all of them are written.
    """

    def __init__(
        self,
        batch: ValidatedBatch,
        unknown: UnknownValues,
        options: WriteOptions,
        *,
        judges_late: bool = False,
    ) -> None:
        self._batch = batch
        self._unknown = unknown
        self._options = options
        self._settles_any = options.on_conflict != "reject"
        self._judges_late = judges_late
        self._columns_of = {place: rows.columns for rows in batch.groups for place in rows.places}
        self._gaps: dict[tuple[str, ...], tuple[frozenset[str], frozenset[str]]] = {}
        self.candidates = set(self._columns_of)
        self.rejected = {
            each.index: msgspec.structs.replace(each, errors=list(each.errors))
            for each in batch.rejections
        }
        self._waiting: set[int] = set()  # rows that refer to one which may be further down
        self._rounds: dict[int, int] = {}  # rows that are written after others with their key
        self._refused: set[int] = set()  # the rows that only trying showed to be wrong

    def readmit_duplicates(self) -> list[int]:
        """Make candidates of the rows whose key a row had that was not stored after all."""
        if not self._refused:
            return []
        readmitted = [
            index
            for index, rejection in self.rejected.items()
            if index in self._columns_of
            and all(error.first_index in self._refused for error in rejection.errors)
        ]
        self._refused.clear()
        self.candidates.update(readmitted)
        for index in readmitted:
            del self.rejected[index]
        return sorted(readmitted)

    def readmit_waiting(self) -> list[int]:
        """Make candidates of the rows that waited for a row further down."""
        waiting = sorted(self._waiting)
        self.candidates |= self._waiting
        self._waiting.clear()
        return waiting

    def find_readable(self, places: Iterable[int]) -> list[int]:
        """Return those of the rows of which constraints may be asked."""
        return [
            place
            for place in places
            if place in self.candidates or (place in self.rejected and self.rejected[place].sound)
        ]

    def find_missing(self, index: int) -> list[str]:
        """Return the required columns that an update leaves out: it needs a row with its key."""
        key = self._options.key
        if self._options.on_conflict != "update" or key is None:
            return []
        brought, bad = self._find_values(index)
        if bad.intersection(key.reads):
            return []  # nobody knows which row it would update
        return sorted(self._unknown.required.difference(brought, bad))

    def divide_rounds(self, places: Iterable[int]) -> list[set[int]]:
        """Return rows in the sets in which they are written: no key stands twice in one."""
        if not self._rounds:
            return [set(places)]
        rounds: dict[int, set[int]] = {}
        for place in places:
            rounds.setdefault(self._rounds.get(place, 0), set()).add(place)
        return [rounds[number] for number in sorted(rounds)]

    def divide_runs(self, places: Iterable[int]) -> list[list[int]]:
        """Return rows in order, in lists of those that follow each other with the same columns."""
        if self._options.on_conflict == "reject":
            return [sorted(places)]
        return [list(run) for _, run in groupby(sorted(places), self._columns_of.__getitem__)]

    def divide_pieces(
        self, broken: Mapping[int, list[Violation]], places: Iterable[int]
    ) -> list[list[int]]:
        """Return rows in lists, each of which can be judged once those before it are written.

        An update may give a key away that a later row takes, or take one.
        """
        if self._options.on_conflict != "update" or not any(
            self._settles(each) for found in broken.values() for each in found
        ):
            return [sorted(places)]
        pieces: list[list[int]] = [[]]
        holders: dict[_Taken, Hashable] = {}  # the stored row that each key is given to
        for place in sorted(places):
            found = self._find_relevant(place, broken.get(place, ()))
            settled = [each for each in found if self._settles(each)]
            target = next((each.group for each in settled if each.rule.in_batch), ("alone", place))
            others = [each for each in found if each.rule.key and not self._settles(each)]
            keys = [(each.rule.key, each.group) for each in others if each.rule.in_batch]
            is_taken = any(holders.get(key, target) != target for key in keys)
            if pieces[-1] and (is_taken or len(keys) < len(others)):
                pieces.append([])
                holders.clear()
            pieces[-1].append(place)
            holders.update(dict.fromkeys(keys, target))
        return pieces

    def reject_broken(
        self,
        broken: Mapping[int, list[Violation]],
        *,
        keys_are_given: bool = True,
        may_wait: bool = False,
    ) -> int:
        """Decide row by row, in order: a key is taken by the first row that keeps it.

        Until keys are given, rows whose only fault is a key of an earlier row are left alone, and
        of the others that fault is not told yet. Those that refer to nothing may wait for a row
        further down. Returns how many candidates are rejected or wait.
        """
        before = len(self.candidates)
        owners: dict[_Taken, list[int]] = {}
        self._rounds = {}
        for index in sorted(broken):
            verdict = self._judge(index, broken[index], owners)
            errors = verdict.errors
            if index in self.rejected:
                self.rejected[index].errors.extend(errors)
            elif may_wait and errors and all(each.code == "fk_violation" for each in errors):
                self.candidates.remove(index)
                self._waiting.add(index)
            elif errors and keys_are_given:
                self.reject(index, errors)
            elif certain := [each for each in errors if each.first_index is None]:
                self.reject(index, certain, self.read_values(index))
            elif not errors:
                self._take_keys(index, verdict, owners)
        return before - len(self.candidates)

    def complete_errors(self, asked: Iterable[int]) -> None:
        """Ask no more about those of the rows that are rejected: they have all their errors."""
        for index in asked:
            if index in self.rejected:
                self.rejected[index].sound = {}

    def _take_keys(self, index: int, verdict: _Verdict, owners: dict[_Taken, list[int]]) -> None:
        if verdict.is_stored and self._options.on_conflict == "ignore":
            self._rounds[index] = 1
            return
        earlier = [owners[key][-1] for key in verdict.keys if key in owners]
        if earlier:
            self._rounds[index] = 1 + max(self._rounds.get(each, 0) for each in earlier)
        for key in verdict.keys:
            owners.setdefault(key, []).append(index)

    def _judge(
        self, index: int, violations: Iterable[Violation], owners: Mapping[_Taken, list[int]]
    ) -> _Verdict:
        errors: list[RowError] = []
        keys: list[_Taken] = []
        relevant = self._find_relevant(index, violations)
        settled = [each for each in relevant if self._settles(each)]
        met = {one for each in settled for one in owners.get((each.rule.key, each.group), ())}
        for each in relevant:
            rule, taken = each.rule, (each.rule.key, each.group)
            held_by = owners.get(taken, ())
            if rule.in_batch:
                keys.append(taken)
            if (settled and self._settles(each)) or (met and met.intersection(held_by[:1])):
                continue
            if not rule.in_batch:
                errors.append(rule.error)
            elif held_by:
                errors.append(msgspec.structs.replace(rule.error, first_index=held_by[0]))
        is_stored = bool(met) or any(not each.rule.in_batch for each in settled)
        if not is_stored:
            errors += map(describe_missing, self.find_missing(index))
        return _Verdict(errors, keys, is_stored)

    def _settles(self, violation: Violation) -> bool:
        key = violation.rule.key
        return self._settles_any and key is not None and self._options.settles(key)

    def _find_relevant(self, index: int, violations: Iterable[Violation]) -> list[Violation]:
        """Return the violations that are certain, and not to be judged at the end."""
        found = self._find_certain(index, violations)
        if not self._judges_late:
            return found
        return [each for each in found if not _is_deferrable(each)]

    def _find_certain(self, index: int, violations: Iterable[Violation]) -> list[Violation]:
        uncertain, absent = self._find_gaps(index)
        is_partial = bool(absent) and bool(self.find_missing(index))
        found = []
        for each in violations:
            rule = each.rule
            if not uncertain.isdisjoint(rule.columns):
                continue
            is_of_stored_row = rule.of_stored_row or (is_partial and rule.key is None)
            if is_of_stored_row and not absent.isdisjoint(rule.columns):
                continue
            found.append(each)
        return found

    def find_late(self, broken: Mapping[int, list[Violation]]) -> dict[int, list[RowError]]:
        """Return the errors of written rows whose deferrable keys other rows have in the end.

        Where rows of the batch have the same key, the first of them stays.
        """
        flagged: dict[Hashable, list[tuple[int, RowError]]] = {}
        newer: set[Hashable] = set()
        for index in sorted(broken, reverse=True):
            found = self._find_certain(index, broken[index])
            groups = {each.rule.key: each.group for each in found if each.rule.in_batch}
            row = next((groups[key] for key in groups if key and self._options.settles(key)), None)
            for each in found:
                key = each.rule.key
                if each.rule.in_batch or not _is_deferrable(each) or (key, row) in newer:
                    continue
                owner = (key, groups[key]) if key in groups else (key, None, index)
                flagged.setdefault(owner, []).append((index, each.rule.error))
            if row is not None:
                # What an earlier row gave the same stored row in these columns is gone.
                _, absent = self._find_gaps(index)
                newer |= {
                    (key, row) for key in self._unknown.deferrable if not absent & set(key.reads)
                }
        late: dict[int, list[RowError]] = {}
        for rows in flagged.values():
            for index, error in rows[:-1] or rows:
                late.setdefault(index, []).append(error)
        return late

    def _find_values(self, index: int) -> tuple[Collection[str], set[str]]:
        """Return the columns that a row brings, and those of which the values are bad."""
        rejection = self.rejected.get(index)
        brought: Collection[str] = rejection.sound if rejection else self._columns_of[index]
        return brought, {n for e in rejection.errors for n in e.concerns} if rejection else set()

    def _is_inserted(self, brought: Collection[str]) -> bool:
        """Return whether a row has no value in its key, so that it meets no row."""
        key = self._options.key
        if key is None or not (key.plain and key.nulls_distinct):
            return False
        return bool(self._unknown.null.intersection(key.columns).difference(brought))

    def _find_gaps(self, index: int) -> tuple[frozenset[str], frozenset[str]]:
        """Return the columns whose values are uncertain, and those that an update leaves alone."""
        if index in self.rejected:
            return self._find_gaps_between(*self._find_values(index))
        columns = self._columns_of[index]
        if columns not in self._gaps:
            self._gaps[columns] = self._find_gaps_between(columns, ())
        return self._gaps[columns]

    def _find_gaps_between(
        self, brought: Collection[str], bad: Collection[str]
    ) -> tuple[frozenset[str], frozenset[str]]:
        absent: frozenset[str] = frozenset()
        if self._options.on_conflict == "update" and not self._is_inserted({*brought, *bad}):
            absent = self._unknown.find_absent(brought)
        return self._unknown.find_uncertain(brought, bad), absent

    def reject(
        self, index: int, errors: list[RowError], values: dict[str, Any] | None = None
    ) -> None:
        """Reject a candidate; `values` are those that constraints may still be asked of."""
        self.candidates.remove(index)
        self.rejected[index] = self._batch.reject(index, errors)
        self.rejected[index].sound = values or {}

    def read_values(self, index: int) -> dict[str, Any]:
        """Return the JSON texts of a candidate's values by column."""
        (values,) = _rows.decode(self._batch.array([index]))
        return values

    def refuse(self, index: int, failures: list[RowError]) -> None:
        """Reject a candidate that PostgreSQL has refused."""
        self._refused.add(index)
        self.reject(index, failures)

    def rejections(self) -> tuple[Rejection, ...]:
        """Return the rejected rows in their order."""
        rejections = tuple(self.rejected[index] for index in sorted(self.rejected))
        self._batch.show_values(rejections)
        return rejections


def _is_deferrable(violation: Violation) -> bool:
    key = violation.rule.key
    return key is not None and key.deferrable
