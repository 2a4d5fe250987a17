"""What rows of a batch break, as the data says."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

from ingest.catalog.definitions import ASKABLE_TYPES, Column
from ingest.outcome import Rejection
from ingest.payload.json_text import join_rows
from ingest.validation.validated_rows import ValidatedRows
from ingest.writing.constraints.checks import Violation
from ingest.writing.constraints.rules import Question
from ingest.writing.isolated.batch_write import BatchWrite
from ingest.writing.isolated.isolation import Isolation

_encode = msgspec.json.Encoder().encode


class ViolationFinder:
    """Asks which constraints the rows of a batch break, the rejected ones with their good values.

    `has_locked` says whether what the rows refer to is locked until the commit.
    """

    def __init__(self, task: BatchWrite, question: Question) -> None:
        self._connection = task.connection
        self._batch = task.batch
        self._checks = task.writer.checks
        self._locks = task.unchecked
        self._question = question
        self.has_locked = False

    def find(self, isolation: Isolation, places: Collection[int]) -> dict[int, list[Violation]]:
        """Return what each of the rows breaks."""
        chosen = set(places)
        groups = self._batch.keep(chosen & isolation.candidates)
        rejected = [one for index, one in isolation.rejected.items() if index in chosen]
        order = [place for rows in groups for place in rows.places]
        order += [one.index for one in rejected]
        broken: dict[int, list[Violation]] = {
            place: [] for place in order if isolation.find_missing(place)
        }
        if order:
            for violation in self._ask(groups, rejected):
                broken.setdefault(order[violation.place - 1], []).append(violation)
        return broken

    def _ask(
        self, groups: Sequence[ValidatedRows], rejected: Sequence[Rejection]
    ) -> list[Violation]:
        checks, question, fill = (
            self._checks,
            self._question,
            self._lacks_defaults(groups, rejected),
        )
        columns = () if fill else checks.columns_read(question)
        if columns:
            values = {each.name: _read_column(each, groups, rejected) for each in columns}
            found = checks.find_violations_by_column(
                self._connection, values, question, locking=self._locks
            )
            if found is not None:
                self.has_locked = self._locks
                return found
        places = [place for rows in groups for place in rows.places]
        array = self._batch.array(places)
        if rejected:
            texts = [array[1:-1]] if places else []
            array = join_rows([*texts, *(_encode(one.sound) for one in rejected)])
        return checks.find_violations(self._connection, array.decode(), question, fill=fill)

    def _lacks_defaults(
        self, groups: Sequence[ValidatedRows], rejected: Sequence[Rejection]
    ) -> bool:
        brought: Iterable[Collection[str]] = chain(
            (rows.columns for rows in groups), (one.sound for one in rejected)
        )
        return any(map(self._checks.lacks_defaults, brought))


def _read_column(
    column: Column, groups: Sequence[ValidatedRows], rejected: Sequence[Rejection]
) -> list[Any]:
    return [
        *chain.from_iterable(rows.values.column(column.name) for rows in groups),
        *(_read_value(one, column) for one in rejected),
    ]


def _read_value(rejection: Rejection, column: Column) -> Any:
    """Return a value of a rejected row as those of the other rows are, None for what is missing."""
    value = rejection.sound.get(column.name)
    if isinstance(value, msgspec.Raw) and column.base in ASKABLE_TYPES:
        return msgspec.json.decode(value)
    return value
