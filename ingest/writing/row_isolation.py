"""A batch in which not every row can be stored: which ones can, and what is wrong with the others.

The data is asked which rows break which constraints, the others are stored, and what no question
can foresee (triggers, exclusion constraints, races) is found by halving the batch under savepoints.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import msgspec
import psycopg
from psycopg import Connection

from ingest.catalog.definitions import Column, UniqueKey
from ingest.outcome import Rejection, RowError
from ingest.validation.validated_rows import Decoded, Rows, join_rows
from ingest.writing.constraints.by_value import ASKABLE_TYPES
from ingest.writing.constraints.checks import Violation
from ingest.writing.sqlstates import (
    describe_row_failure,
    is_data_error,
    is_refused_question,
    skipped_row,
)
from ingest.writing.writer import RowsSkipped, TableWriter, WriteOptions, Written

# How often a batch is examined anew when other writers got in between.
ROUNDS = 3

_encode = msgspec.json.Encoder().encode
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


class CarefulWrite:
    """One batch on its way into a table: the rows still hoped for, and the rejected ones.

    With `holds_references` the connection is one where PostgreSQL checks no foreign keys.
    """

    def __init__(
        self,
        writer: TableWriter,
        connection: Connection,
        decoded: Decoded,
        options: WriteOptions,
        *,
        holds_references: bool = False,
    ) -> None:
        self._writer = writer
        self._holds_references = holds_references
        self._checks = writer.checks
        self._connection = connection
        self._decoded = decoded
        self._options = options
        self._rejected = {rejection.index: rejection for rejection in decoded.rejections}
        self._failures: dict[int, RowError] = {}
        self._is_held = False  # what the candidates refer to is kept until the commit
        self._fallen: set[int] = set()  # the rows that only trying showed to be wrong
        self._group_of: dict[int, Rows] = {}
        self._passed: dict[int, bytes] = {}
        for rows in decoded.groups:
            self._group_of |= dict.fromkeys(rows.indexes, rows)
            self._passed |= rows.split()
        self._candidates = dict(self._passed)

    def run(self) -> Written:
        """Write what can be written; every other row is rejected with all its errors."""
        written = self._write_candidates()
        while self._revive():
            written += self._write_candidates()
        rejections = [self._rejected[index] for index in sorted(self._rejected)]
        return replace(written, rejections=tuple(rejections))

    def _write_candidates(self) -> Written:
        written = self._write_examined()
        return self._write_tried() if written is None else written

    def _revive(self) -> bool:
        """Make candidates of the rows whose key a row had that was not stored after all."""
        revived = [
            index
            for index, rejection in self._rejected.items()
            if index in self._passed
            and all(error.first_index in self._fallen for error in rejection.errors)
        ]
        self._fallen.clear()
        self._candidates = {index: self._passed[index] for index in sorted(revived)}
        for index in revived:
            del self._rejected[index]
        return bool(revived)

    def _write_examined(self) -> Written | None:
        """Reject what the data shows to be wrong, write the rest; None where that fails."""
        for _ in range(ROUNDS):
            is_judged = False
            try:
                with self._connection.transaction():
                    self._is_held = False
                    self._reject_bad_values()
                    self._reject_all_violations()
                    is_judged = True
                    return self._write_left()
            except RowsSkipped:
                continue
            except psycopg.Error as error:
                if not is_judged and is_refused_question(error):
                    return None
                if not is_data_error(error):
                    raise
                if not is_judged:
                    self._reject_unanswerable(self._find_readable())
        return None

    def _write_left(self) -> Written:
        kept = [rows.keep(self._candidates) for rows in self._decoded.groups]
        # Whatever looks at rows on their way in is left to say what it has against one.
        copying = not self._writer.table.watched
        return self._write(
            [rows for rows in kept if rows.indexes],
            holds_references=self._holds_references and not self._is_held,
            copying=copying,
        )

    def _write(self, groups: Sequence[Rows], *, holds_references: bool, copying: bool) -> Written:
        written = Written()
        if len(groups) > 1 and self._checks.refers_to_itself:
            written = self._writer.insert_together(self._connection, groups, self._options)
        else:
            for rows in groups:
                written += self._writer.write_rows(
                    self._connection,
                    rows,
                    self._options,
                    holds_references=holds_references,
                    copying=copying,
                )
        if not self._holds_references:
            # What is deferred to the commit would fail the whole batch there.
            self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return written

    def _write_tried(self) -> Written:
        """Write the rows that can be written, as trying shows, and reject the others."""
        written = Written()
        hopeful, tried = sorted(self._candidates), 0
        while hopeful and len(hopeful) != tried:
            tried = len(hopeful)
            written += self._write_halves(hopeful)
            # What a row refers to may have been written after it.
            hopeful = [
                index
                for index, failure in self._failures.items()
                if failure.code == "fk_violation" and self._checks.refers_to_itself
            ]
            for index in self._failures.keys() - set(hopeful):
                self._give_up(index)
            if len(hopeful) != tried:
                self._failures.clear()
        for index in list(self._failures):
            self._give_up(index)
        return written

    def _give_up(self, index: int) -> None:
        self._fallen.add(index)
        self._reject(index, [self._failures.pop(index)])

    def _write_halves(self, indexes: list[int]) -> Written:
        """Write the rows that can be written, halving until each that cannot stands alone."""
        if not indexes:
            return Written()
        try:
            with self._connection.transaction():
                return self._write(
                    self._group(indexes), holds_references=self._holds_references, copying=False
                )
        except RowsSkipped:
            failure = skipped_row()
        except psycopg.Error as error:
            if not is_data_error(error):
                raise
            failure = describe_row_failure(error, self._writer.table)
        if len(indexes) == 1:
            self._failures[indexes[0]] = failure
            return Written()
        middle = len(indexes) // 2
        return self._write_halves(indexes[:middle]) + self._write_halves(indexes[middle:])

    def _group(self, indexes: Iterable[int]) -> list[Rows]:
        groups: dict[tuple[str, ...], dict[int, bytes]] = {}
        for index in indexes:
            columns = self._group_of[index].columns
            groups.setdefault(columns, {})[index] = self._candidates[index]
        return [
            Rows(columns, list(texts), partial(join_rows, texts.values()))
            for columns, texts in groups.items()
        ]

    def _reject_bad_values(self) -> None:
        if not self._checks.are_judging:
            return
        indexes = list(self._candidates)
        array = join_rows(self._candidates[index] for index in indexes).decode()
        bad: dict[int, list[RowError]] = {}
        for place, column, message in self._checks.find_bad_values(self._connection, array):
            error = RowError(code="bad_value", column=column, message=f"{column}: {message}")
            bad.setdefault(indexes[place - 1], []).append(error)
        for index, errors in bad.items():
            sound: dict[str, Any] = dict(_values.decode(self._candidates[index]))
            for error in errors:
                sound.pop(str(error.column))
            self._reject(index, errors, sound)

    def _reject_all_violations(self) -> None:
        if self._checks.refers_to_itself:
            # A rejected row may be what another row of the batch refers to, and takes no key.
            while self._reject_violations(keys_are_given=False):
                pass
        while self._reject_violations() and self._checks.refers_to_itself:
            pass

    def _reject_violations(self, *, keys_are_given: bool = True) -> int:
        """Reject every candidate that breaks a constraint and return how many did."""
        before = len(self._candidates)
        broken = self._find_broken(self._find_readable())
        self._judge(broken, keys_are_given=keys_are_given)
        for rejection in self._rejected.values():
            rejection.sound = {}  # its errors are complete now
        return before - len(self._candidates)

    def _find_readable(self) -> list[int]:
        """Return the rows of which constraints may be asked."""
        return [
            *self._candidates,
            *(index for index, rejection in self._rejected.items() if rejection.sound),
        ]

    def _find_broken(self, indexes: Collection[int]) -> dict[int, list[Violation]]:
        """Return what each of the rows breaks, in the order of the rows."""
        chosen = set(indexes)
        candidates: Mapping[int, bytes] = self._candidates
        if not chosen >= candidates.keys():
            candidates = {index: candidates[index] for index in chosen & candidates.keys()}
        kept = [rows.keep(candidates) for rows in self._decoded.groups]
        rejected = [one for index, one in self._rejected.items() if index in chosen]
        order = [index for rows in kept for index in rows.indexes]
        order += [one.index for one in rejected]
        broken: dict[int, list[Violation]] = {}
        if order:
            for violation in self._find_violations(kept, rejected):
                broken.setdefault(order[violation.place - 1], []).append(violation)
        return dict(sorted(broken.items()))

    def _find_violations(
        self, groups: Sequence[Rows], rejected: Sequence[Rejection]
    ) -> list[Violation]:
        checks, key, fill = self._checks, self._options.key, self._lacks_defaults()
        values = None if fill else self._read_columns(groups, rejected)
        if values is not None:
            holding = self._holds_references and checks.are_references_by_value
            found = checks.find_violations_by_column(self._connection, values, key, holding=holding)
            if found is not None:
                self._is_held = holding
                return found
        texts = [self._candidates[index] for rows in groups for index in rows.indexes]
        texts += [_encode(one.sound) for one in rejected]
        return checks.find_violations(self._connection, join_rows(texts).decode(), key, fill=fill)

    def _read_columns(
        self, groups: Sequence[Rows], rejected: Sequence[Rejection]
    ) -> dict[str, list[Any]] | None:
        """Return the columns that all rules read, None where that is not to be had."""
        columns = self._checks.columns_read(self._options.key)
        looked_at = [rows.by_column for rows in groups if rows.by_column]
        if not columns or len(looked_at) < len(groups):
            return None
        return {
            column.name: [
                *chain.from_iterable(rows.column(column.name) for rows in looked_at),
                *(_read_sound(one, column) for one in rejected),
            ]
            for column in columns
        }

    def _reject_unanswerable(self, indexes: list[int]) -> None:
        """Reject the rows of which PostgreSQL cannot say what they break: a / b with b = 0."""
        try:
            with self._connection.transaction():
                self._find_broken(indexes)
        except psycopg.Error as error:
            if not is_data_error(error):
                raise
            middle = len(indexes) // 2
            if middle:
                self._reject_unanswerable(indexes[:middle])
                self._reject_unanswerable(indexes[middle:])
            elif indexes[0] in self._candidates:
                self._reject(indexes[0], [describe_row_failure(error, self._writer.table)])
            else:
                self._rejected[indexes[0]].sound = {}

    def _lacks_defaults(self) -> bool:
        brought: Iterable[Collection[str]] = chain(
            (rows.columns for rows in self._decoded.groups),
            (one.sound for one in self._rejected.values()),
        )
        return any(map(self._checks.lacks_defaults, brought))

    def _judge(self, broken: Mapping[int, list[Violation]], *, keys_are_given: bool) -> None:
        """Decide row by row, in order: a key is taken by the first row that keeps it.

        Rows whose only fault is a key of an earlier row are left alone until keys are given.
        """
        taken: dict[tuple[UniqueKey, int | None], int] = {}
        for index, violations in broken.items():
            rejection = self._rejected.get(index)
            uncertain, absent = self._find_gaps(index)
            errors, keys = [], []
            for violation in violations:
                rule = violation.rule
                if uncertain.intersection(rule.columns):
                    continue
                if rule.of_stored_row and absent.intersection(rule.columns):
                    continue
                if rule.key is None:
                    errors.append(rule.error)
                elif (rule.key, violation.group) in taken:
                    first = taken[rule.key, violation.group]
                    errors.append(msgspec.structs.replace(rule.error, first_index=first))
                else:
                    keys.append((rule.key, violation.group))
            if rejection is not None:
                rejection.errors.extend(errors)
            elif errors and (keys_are_given or any(e.first_index is None for e in errors)):
                self._reject(index, errors)
            elif not errors:
                taken.update(dict.fromkeys(keys, index))

    def _find_gaps(self, index: int) -> tuple[frozenset[str], frozenset[str]]:
        """Return the columns whose values are uncertain, and those that an update leaves alone."""
        rejection = self._rejected.get(index)
        brought: Collection[str] = rejection.sound if rejection else self._group_of[index].columns
        bad = {name for e in rejection.errors for name in e.concerns} if rejection else set()
        absent: frozenset[str] = frozenset()
        if self._options.on_conflict == "update":
            absent = self._checks.find_absent(brought)
        return self._checks.find_uncertain(brought, bad), absent

    def _reject(
        self, index: int, errors: list[RowError], sound: dict[str, Any] | None = None
    ) -> None:
        rejection = self._decoded.reject(index, self._candidates.pop(index), errors)
        rejection.sound = sound or {}
        self._rejected[index] = rejection


def _read_sound(rejection: Rejection, column: Column) -> Any:
    """Return a value of a rejected row as those of the other rows are, None for what is missing."""
    value = rejection.sound.get(column.name)
    if isinstance(value, msgspec.Raw) and column.base in ASKABLE_TYPES:
        return msgspec.json.decode(value)
    return value
