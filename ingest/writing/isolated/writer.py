"""A batch in which not every row can be stored: the bad rows isolated, the others written.

The data is asked which rows break which constraints, the others are stored, and what no question
can foresee (triggers, exclusion constraints, races) is found by halving the batch under savepoints.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import msgspec
import psycopg

from ingest.outcome import RowError, describe_missing
from ingest.validation.validated_rows import ValidatedRows
from ingest.writing.constraints.rules import INSERTS, Question
from ingest.writing.isolated.batch_write import BatchWrite
from ingest.writing.isolated.isolation import Isolation, UnknownValues
from ingest.writing.isolated.refusals import Refusals
from ingest.writing.isolated.violations import ViolationFinder
from ingest.writing.rows.writer import RowsAbsent, RowsSkipped, Written
from ingest.writing.sqlstates import is_data_error, is_server_trouble, skipped_row

# From how many pieces on they are tried at once before each is asked about.
TRIED_PIECES = 8

# How often a batch is checked again when other writers got in between.
ROUNDS = 3

_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class _OrderMatters(Exception):
    """Rows can only be judged piece by piece, each after the ones before it are written."""

    def __init__(self, pieces: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.pieces = pieces


class _NotUniqueInTheEnd(Exception):
    """Rows have deferrable keys in common with others after all of them are written."""

    def __init__(self, errors: Mapping[int, list[RowError]]) -> None:
        super().__init__()
        self.errors = errors


class IsolatedWriter:
    """Writes what can be written of one batch."""

    def __init__(self, task: BatchWrite) -> None:
        self._task = task
        self._batch = task.batch
        self._table = task.writer.table
        self._checks = task.writer.checks
        self._connection = task.connection
        self._options = task.options
        self._unknown = UnknownValues(self._table)
        is_update = task.options.on_conflict == "update"
        self._judges_late = is_update and bool(self._unknown.deferrable)
        self._isolation = self._isolate()
        self._places = sorted(self._isolation.find_readable(range(self._batch.received)))
        self._violations = ViolationFinder(task, self._choose_question())
        self._pieces_wait = self._may_wait = False
        self._failures: dict[int, list[RowError]] = {}
        self._refusals = Refusals(task)

    def write(self) -> Written:
        """Write what can be written; every other row is rejected with all its errors."""
        written = self._write_deferred() if self._judges_late else None
        if written is None:
            written = self._write_waiting()
        return replace(written, rejections=self._isolation.rejections(), way="isolated")

    def _isolate(self) -> Isolation:
        return Isolation(self._batch, self._unknown, self._options, judges_late=self._judges_late)

    def _choose_question(self) -> Question:
        """Return what is to be asked: which rows are stored already only where that matters."""
        if self._options.key is None:
            return INSERTS
        matters = len(self._table.unique_keys) > 1 or any(
            map(self._isolation.find_missing, self._places)
        )
        return Question(self._options.key, finds_stored=matters)

    def _write_deferred(self) -> Written | None:
        """Write the rows, and reject those whose deferrable keys are not unique in the end.

        None where PostgreSQL has another objection then: every row is to be checked at once.
        """
        late: dict[int, list[RowError]] = {}
        while True:
            self._isolation = self._isolate()
            for place, errors in late.items():
                self._isolation.reject(place, errors)
            try:
                with self._connection.transaction():
                    self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
                    written = self._write_waiting()
                    self._refuse_late()
                    self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    return written
            except _NotUniqueInTheEnd as found:
                late |= found.errors
            except psycopg.Error as error:
                if is_server_trouble(error):
                    raise
                self._judges_late = False
                self._isolation = self._isolate()
                return None

    def _refuse_late(self) -> None:
        late = self._isolation.find_late(self._violations.find(self._isolation, self._places))
        if late:
            raise _NotUniqueInTheEnd(late)

    def _write_waiting(self) -> Written:
        """Write all rows, those that refer to one further down when that one is written."""
        places, written, progresses = self._places, Written(), True
        while places:
            self._pieces_wait = progresses and self._checks.refers_to_itself
            self._may_wait = False  # all rows that they could wait for are asked about together
            written += self._write_pieces(places)
            waiting = self._isolation.readmit_waiting()
            progresses = len(waiting) < len(places)
            places = waiting
        return written

    def _write_pieces(self, places: Sequence[int]) -> Written:
        try:
            written = self._write_checked(places)
        except _OrderMatters as found:
            self._may_wait = self._pieces_wait
            return self._write_ordered(found.pieces)
        if written is None:
            written = self._write_tried(places)
        readmitted = self._isolation.readmit_duplicates()
        return written + self._write_pieces(readmitted) if readmitted else written

    def _write_ordered(self, pieces: Sequence[Sequence[int]]) -> Written:
        """Write pieces one after the other, many of them at once where that succeeds."""
        if len(pieces) >= TRIED_PIECES:
            written = self._write_at_once([*chain(*pieces)])
            if written is not None:
                return written
            middle = len(pieces) // 2
            pieces = [[*chain(*pieces[:middle])], [*chain(*pieces[middle:])]]
        return sum(map(self._write_pieces, pieces), Written())

    def _write_at_once(self, places: Sequence[int]) -> Written | None:
        """Write rows by one statement, which takes them in order; None where one of them fails."""
        groups = self._batch.keep(set(places))
        if len(groups) > 1 or not self._isolation.candidates.issuperset(places):
            return None
        try:
            with self._connection.transaction():
                return self._write_rounds([groups], unchecked=False, copying=False)
        except RowsSkipped:
            return None
        except psycopg.Error as error:
            if not is_data_error(error):
                raise
            return None

    # By asking the data.

    def _write_checked(self, places: Sequence[int]) -> Written | None:
        """Reject what the data shows to be wrong, write the rest; None where that fails."""
        for _ in range(ROUNDS):
            is_checked = False
            try:
                with self._connection.transaction():
                    self._violations.has_locked = False
                    self._reject_bad_values(places)
                    self._reject_all_violations(places)
                    is_checked = True
                    return self._write_left(places)
            except RowsSkipped:
                continue
            except psycopg.Error as error:
                if is_server_trouble(error):
                    raise
                if not is_data_error(error):
                    # PostgreSQL cannot answer a rule that reads the whole row or a table that is
                    # not for the service to read. Whether a row is at fault shows when it is tried.
                    return None
                if not is_checked:
                    self._reject_unanswerable(self._isolation.find_readable(places))
        return None

    def _write_left(self, places: Sequence[int]) -> Written:
        # Whatever looks at rows on their way in is left to say what it has against one.
        copying = not self._table.watched
        unchecked = self._task.unchecked and not self._violations.has_locked
        left = self._isolation.candidates.intersection(places)
        return self._write(left, unchecked=unchecked, copying=copying)

    def _write(self, places: Collection[int], *, unchecked: bool, copying: bool) -> Written:
        rounds = map(self._batch.keep, self._isolation.divide_rounds(places))
        return self._write_rounds(rounds, unchecked=unchecked, copying=copying)

    def _write_rounds(
        self, rounds: Iterable[Sequence[ValidatedRows]], *, unchecked: bool, copying: bool
    ) -> Written:
        written = Written()
        for groups in rounds:
            written += self._task.write(groups, unchecked=unchecked, copying=copying)
        if not (self._task.unchecked or self._judges_late):
            # What is deferred to the commit would fail the whole batch there.
            self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return written

    def _reject_bad_values(self, asked: Sequence[int]) -> None:
        if not self._checks.need_value_checks:
            return
        places = sorted(self._isolation.candidates.intersection(asked))
        array = self._batch.array(places).decode()
        bad: dict[int, list[RowError]] = {}
        for number, column, message in self._checks.find_bad_values(self._connection, array):
            error = RowError(code="bad_value", column=column, message=f"{column}: {message}")
            bad.setdefault(places[number - 1], []).append(error)
        for place, errors in bad.items():
            (values,) = _rows.decode(self._batch.array([place]))
            for error in errors:
                values.pop(str(error.column))
            self._isolation.reject(place, errors, values)

    def _reject_all_violations(self, places: Sequence[int]) -> None:
        if self._checks.refers_to_itself:
            # A rejected row may be what another row of the batch refers to, and takes no key.
            while self._reject_violations(places, keys_are_given=False):
                pass
        while self._reject_violations(places) and self._checks.refers_to_itself:
            pass

    def _reject_violations(self, places: Sequence[int], *, keys_are_given: bool = True) -> int:
        """Reject every candidate that breaks a constraint and return how many did."""
        readable = self._isolation.find_readable(places)
        broken = self._violations.find(self._isolation, readable)
        pieces = self._isolation.divide_pieces(broken, readable)
        if len(pieces) > 1:
            raise _OrderMatters(pieces)
        rejected = self._isolation.reject_broken(
            broken, keys_are_given=keys_are_given, may_wait=self._may_wait
        )
        self._isolation.complete_errors(readable)
        return rejected

    def _reject_unanswerable(self, places: list[int]) -> None:
        """Reject the rows of which PostgreSQL cannot say what they break: a / b with b = 0."""
        try:
            with self._connection.transaction():
                self._violations.find(self._isolation, places)
        except psycopg.Error as error:
            if is_server_trouble(error):
                raise
            if not is_data_error(error):
                return
            middle = len(places) // 2
            if middle:
                self._reject_unanswerable(places[:middle])
                self._reject_unanswerable(places[middle:])
            elif places[0] in self._isolation.candidates:
                self._isolation.reject(places[0], [self._refusals.describe(error, places[0])])
            else:
                self._isolation.rejected[places[0]].sound = {}

    # By trying.

    def _write_tried(self, places: Sequence[int]) -> Written:
        """Write the rows that can be written, as trying shows, and reject the others."""
        written = Written()
        pending, tried = sorted(self._isolation.candidates.intersection(places)), 0
        while pending and len(pending) != tried:
            tried = len(pending)
            written = sum(map(self._write_halves, self._isolation.divide_runs(pending)), written)
            # What a row refers to may have been written after it.
            pending = [
                place
                for place, failures in self._failures.items()
                if failures[0].code == "fk_violation" and self._checks.refers_to_itself
            ]
            for place in self._failures.keys() - set(pending):
                self._isolation.refuse(place, self._failures.pop(place))
            if len(pending) != tried:
                self._failures.clear()
        for place, failures in self._failures.items():
            self._isolation.refuse(place, failures)
        self._failures.clear()
        return written

    def _write_halves(self, places: list[int]) -> Written:
        """Write the rows that can be written, halving until each that cannot stands alone."""
        if not places:
            return Written()
        try:
            return self._write_under_savepoint(places)
        except RowsAbsent:
            failures = [*map(describe_missing, self._isolation.find_missing(places[0]))]
        except RowsSkipped:
            failures = [skipped_row()]
        except psycopg.Error as error:
            self._refusals.raise_trouble(error)
            if len(places) == 1 and not is_data_error(error):
                return self._write_again(places[0])
            failures = [self._refusals.describe(error, places[0])] if len(places) == 1 else []
        if len(places) == 1:
            self._failures[places[0]] = failures
            return Written()
        middle = len(places) // 2
        return self._write_halves(places[:middle]) + self._write_halves(places[middle:])

    def _write_again(self, place: int) -> Written:
        """Write a row that failed for a reason that may have passed; else the fault is its own."""
        try:
            return self._write_under_savepoint([place])
        except RowsSkipped:
            self._failures[place] = [skipped_row()]
        except psycopg.Error as error:
            self._refusals.raise_trouble(error)
            self._failures[place] = [self._refusals.describe_refusal(error, place)]
        return Written()

    def _write_under_savepoint(self, places: Collection[int]) -> Written:
        with self._connection.transaction():
            return self._write(set(places), unchecked=self._task.unchecked, copying=False)
