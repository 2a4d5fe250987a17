"""The only code that writes rows to dataset tables.

A batch is first written as it stands. When PostgreSQL refuses it, or when some of its rows broke
the rules, it is written carefully: the data is asked which rows break which constraints, the
others are stored, and what no question can foresee (triggers, exclusion constraints, races) is
found by halving the batch under savepoints.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import Connection
from psycopg.sql import Composed

from ingest.catalog import Table, UniqueKey
from ingest.constraints import ConstraintChecks, Violation
from ingest.outcome import OnConflict, Rejection, RowError
from ingest.rules import Decoded, RowRules, join_rows
from ingest.sqlstates import describe_row_failure, is_data_error, skipped_row
from ingest.statements import copy_statement, execute_raw, insert_statement, lock_statement

# How often a batch is examined anew when other writers got in between.
ROUNDS = 3

_encode = msgspec.json.Encoder().encode
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How rows are to be written that meet a row with the same key."""

    on_conflict: OnConflict = "reject"
    key: UniqueKey | None = None  # whose conflicts are ignored or updated


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows came to what end, and the rejected ones."""

    inserted: int = 0
    updated: int = 0
    ignored: int = 0
    rejections: tuple[Rejection, ...] = ()

    def __add__(self, other: "Written") -> "Written":
        return Written(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.ignored + other.ignored,
            self.rejections + other.rejections,
        )


class RowsSkipped(Exception):
    """Fewer rows were stored than sent, and no error was raised: a trigger kept some out."""


class TableWriter:
    """Writes rows to one table in one version of its definition."""

    def __init__(self, table: Table, rules: RowRules) -> None:
        self.table = table
        judged = [each.column for each in rules.fields if not each.adapter.exact]
        self.checks = ConstraintChecks(table, judged)
        # Composed once: putting a statement together costs more than sending it.
        self._statements: dict[object, LiteralString] = {}

    def hold(self, connection: Connection) -> None:
        """Keep the table's definition as it is until the end of the transaction."""
        execute_raw(connection, self._compose(connection, "lock", lock_statement, self.table), [])

    def write_whole(self, connection: Connection, decoded: Decoded) -> Written:
        """Insert every row of a batch; raise PostgreSQL's error, or `RowsSkipped`, if one fails."""
        written = Written()
        for rows in decoded.groups:
            if rows.copy is not None:
                written += self._copy(connection, rows.columns, rows.copy, len(rows.indexes))
            else:
                written += self.insert(
                    connection, rows.columns, rows.array, len(rows.indexes), WriteOptions()
                )
        return written

    def _copy(
        self, connection: Connection, columns: tuple[str, ...], data: str, count: int
    ) -> Written:
        cursor = connection.cursor()
        statement = self._compose(connection, columns, copy_statement, self.table, columns)
        with cursor.copy(statement) as copy:
            copy.write(data)
        if cursor.rowcount != count:
            raise RowsSkipped
        return Written(inserted=count)

    def insert(
        self,
        connection: Connection,
        columns: tuple[str, ...],
        array: bytes,
        count: int,
        options: WriteOptions,
    ) -> Written:
        """Write a JSON array of `count` rows with one statement."""
        statement = self._compose(
            connection,
            (columns, options),
            insert_statement,
            self.table,
            columns,
            options.on_conflict,
            options.key,
        )
        cursor = execute_raw(connection, statement, [array.decode()])
        if options.on_conflict == "reject":
            if cursor.rowcount != count:
                raise RowsSkipped
            return Written(inserted=count)
        inserted = [row[0] for row in cursor.fetchall()]
        return Written(
            inserted=inserted.count(True),
            updated=inserted.count(False),
            ignored=count - len(inserted),
        )

    def _compose(
        self, connection: Connection, name: object, compose: Callable[..., Composed], *parts: Any
    ) -> LiteralString:
        statement = self._statements.get(name)
        if statement is None:
            # Composed of the catalog's names only.
            statement = compose(*parts).as_string(connection)
            self._statements[name] = statement
        return statement

    def write_carefully(
        self, connection: Connection, decoded: Decoded, options: WriteOptions
    ) -> Written:
        """Write what can be written of a batch; every other row is rejected with all its errors."""
        return _CarefulWrite(self, connection, decoded, options).run()


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: bytes
    columns: tuple[str, ...]


class _CarefulWrite:
    """One batch on its way into a table: the rows still hoped for, and the rejected ones."""

    def __init__(
        self,
        writer: TableWriter,
        connection: Connection,
        decoded: Decoded,
        options: WriteOptions,
    ) -> None:
        self._writer = writer
        self._checks = writer.checks
        self._connection = connection
        self._decoded = decoded
        self._options = options
        self._rejected = {rejection.index: rejection for rejection in decoded.rejections}
        self._candidates = {
            index: _Candidate(text, rows.columns)
            for rows in decoded.groups
            for index, text in rows.split().items()
        }

    def run(self) -> Written:
        written = self._write_examined()
        if written is None:
            written = self._write_halves(list(self._candidates))
        rejections = [self._rejected[index] for index in sorted(self._rejected)]
        return replace(written, rejections=tuple(rejections))

    def _write_examined(self) -> Written | None:
        """Reject what the data shows to be wrong, write the rest; None where that fails."""
        for _ in range(ROUNDS):
            try:
                with self._connection.transaction():
                    self._reject_bad_values()
                    while self._reject_violations() and self._checks.refers_to_itself:
                        pass  # a rejected row may be what another row of the batch refers to
            except psycopg.Error as error:
                if not is_data_error(error):
                    raise
                return None
            written = self._try_to_write(list(self._candidates))
            if written is not None:
                return written
        return None

    def _try_to_write(self, indexes: list[int]) -> Written | None:
        """Write these rows under a savepoint; return None, nothing written, where one fails."""
        try:
            with self._connection.transaction():
                return self._write(indexes)
        except RowsSkipped:
            return None
        except psycopg.Error as error:
            if not is_data_error(error):
                raise
            return None

    def _write(self, indexes: Iterable[int]) -> Written:
        groups: dict[tuple[str, ...], list[bytes]] = {}
        for index in indexes:
            candidate = self._candidates[index]
            groups.setdefault(candidate.columns, []).append(candidate.text)
        written = Written()
        for columns, texts in groups.items():
            array = join_rows(texts)
            written += self._writer.insert(
                self._connection, columns, array, len(texts), self._options
            )
        # What is deferred to the commit would fail the whole batch there.
        self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return written

    def _write_halves(self, indexes: list[int]) -> Written:
        """Write the rows that can be written, halving until each that cannot stands alone."""
        if not indexes:
            return Written()
        try:
            with self._connection.transaction():
                return self._write(indexes)
        except RowsSkipped:
            failure = skipped_row()
        except psycopg.Error as error:
            if not is_data_error(error):
                raise
            failure = describe_row_failure(error)
        if len(indexes) == 1:
            self._reject(indexes[0], [failure])
            return Written()
        middle = len(indexes) // 2
        return self._write_halves(indexes[:middle]) + self._write_halves(indexes[middle:])

    def _reject_bad_values(self) -> None:
        indexes = list(self._candidates)
        array = join_rows(self._candidates[index].text for index in indexes).decode()
        bad: dict[int, list[RowError]] = {}
        for place, column, message in self._checks.find_bad_values(self._connection, array):
            error = RowError(code="bad_value", column=column, message=f"{column}: {message}")
            bad.setdefault(indexes[place - 1], []).append(error)
        for index, errors in bad.items():
            sound: dict[str, Any] = dict(_values.decode(self._candidates[index].text))
            for error in errors:
                sound.pop(str(error.column))
            self._reject(index, errors, sound)

    def _reject_violations(self) -> int:
        """Reject every candidate that breaks a constraint and return how many did."""
        texts = {index: candidate.text for index, candidate in self._candidates.items()}
        texts |= {i: _encode(one.sound) for i, one in self._rejected.items() if one.sound}
        indexes = sorted(texts)
        if not indexes:
            return 0
        array = join_rows(texts[index] for index in indexes).decode()
        broken: dict[int, list[Violation]] = {}
        for violation in self._checks.find_violations(self._connection, array, self._options.key):
            broken.setdefault(indexes[violation.place - 1], []).append(violation)
        before = len(self._candidates)
        self._judge(broken)
        for rejection in self._rejected.values():
            rejection.sound = {}  # its errors are complete now
        return before - len(self._candidates)

    def _judge(self, broken: Mapping[int, list[Violation]]) -> None:
        """Decide row by row, in order: a key is taken by the first row that keeps it."""
        taken: dict[tuple[UniqueKey, int | None], int] = {}
        for index, violations in broken.items():
            rejection = self._rejected.get(index)
            doubted = (
                {name for e in rejection.errors for name in e.concerns} if rejection else set()
            )
            errors, keys = [], []
            for violation in violations:
                rule = violation.rule
                if doubted.intersection(rule.columns):
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
            elif errors:
                self._reject(index, errors)
            else:
                taken.update(dict.fromkeys(keys, index))

    def _reject(
        self, index: int, errors: list[RowError], sound: dict[str, Any] | None = None
    ) -> None:
        candidate = self._candidates.pop(index)
        rejection = self._decoded.reject(index, candidate.text, errors)
        rejection.sound = sound or {}
        self._rejected[index] = rejection
