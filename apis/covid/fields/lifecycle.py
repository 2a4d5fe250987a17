"""Change control: the stage of each name as time passes. Pure: the time is an argument.

A renamed field is published under both names; after two weeks the old one gets no updates, after
three it is gone. A field whose removal was announced gets no updates at once, is zeroed after two
weeks and gone after three (RFC, "Change control & community outreach").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cached_property

from apis.covid.fields.definitions import FieldDefinition

UPDATED_FOR = timedelta(weeks=2)
PUBLISHED_FOR = timedelta(weeks=3)


class Stage(IntEnum):
    """The stage of a name: whether it is published and updated."""

    PLANNED = 0  # not yet in use
    LIVE = 1
    REPLACED = 2  # published and updated beside its new name
    FROZEN = 3  # published as it was
    ZEROED = 4
    GONE = 5


@dataclass(frozen=True)
class Field:
    """A name of the API and its stage."""

    definition: FieldDefinition
    stage: Stage
    deprecated_at: datetime | None = None
    replaced_by: str | None = None

    @property
    def name(self) -> str:
        """The name in the API."""
        return self.definition.field

    @property
    def sunset_at(self) -> datetime | None:
        """When the name is removed."""
        return self.deprecated_at + PUBLISHED_FOR if self.deprecated_at else None

    @property
    def is_published(self) -> bool:
        """Whether it is in rows."""
        return Stage.LIVE <= self.stage < Stage.GONE

    @property
    def is_updated(self) -> bool:
        """Whether its figures follow the data."""
        return self.stage in (Stage.LIVE, Stage.REPLACED)


@dataclass(frozen=True)
class Step:
    """A change of a field's stage, as /changes lists it."""

    at: datetime
    kind: str  # added | renamed | frozen | removal_announced | zeroed | removed
    field: str
    title: str


class Lifecycle:
    """The stages of all definitions at a point in time."""

    def __init__(self, definitions: Sequence[FieldDefinition], now: datetime) -> None:
        self._definitions = definitions
        self._now = now

    @cached_property
    def fields(self) -> list[Field]:
        """Every name, in the order of the API."""
        return [self._find_stage(definition) for definition in self._definitions]

    @property
    def digest(self) -> str:
        """A text that changes when any name changes its stage."""
        return " ".join(f"{field.name}={int(field.stage)}" for field in self.fields)

    def list_steps(self) -> list[Step]:
        """Return the changes until now, the latest first."""
        steps = [
            step
            for definition in self._definitions
            for step in self._steps_of(definition)
            if step.at <= self._now
        ]
        return sorted(steps, key=lambda step: (step.at, step.field), reverse=True)

    def _find_stage(self, definition: FieldDefinition) -> Field:
        if definition.launched_at > self._now:
            return Field(definition, Stage.PLANNED)
        successor = self._find_successor(definition)
        removed_at = definition.removed_at
        if removed_at is not None and removed_at <= self._now:
            stage = _choose(self._now - removed_at, Stage.FROZEN, Stage.ZEROED)
            return Field(definition, stage, removed_at)
        if successor is not None and successor.launched_at <= self._now:
            stage = _choose(self._now - successor.launched_at, Stage.REPLACED, Stage.FROZEN)
            return Field(definition, stage, successor.launched_at, successor.field)
        return Field(definition, Stage.LIVE)

    def _find_successor(self, definition: FieldDefinition) -> FieldDefinition | None:
        """Return the first later definition that names this one as its former name."""
        found = [
            other
            for other in self._definitions
            if definition.field in other.formerly and _may_replace(other, definition)
        ]
        return min(found, key=lambda other: (other.launched_at, other.field), default=None)

    def _steps_of(self, definition: FieldDefinition) -> Iterable[Step]:
        name = definition.field
        renamed = [
            other.field for other in self._definitions if self._find_successor(other) is definition
        ]
        if not renamed:
            yield Step(definition.launched_at, "added", name, f"{name} is new")
        for old in renamed:
            title = f"{old} is now called {name}; both are published for a while"
            yield Step(definition.launched_at, "renamed", name, title)
        if definition.removed_at is not None:
            yield from _removal_steps(name, definition.removed_at)
            return
        successor = self._find_successor(definition)
        if successor is not None:
            yield from _rename_steps(name, successor)


def _rename_steps(name: str, successor: FieldDefinition) -> Iterable[Step]:
    start, new = successor.launched_at, successor.field
    yield Step(
        start + UPDATED_FOR, "frozen", name, f"{name} gets no more updates; {new} is its new name"
    )
    yield Step(start + PUBLISHED_FOR, "removed", name, f"{name} is gone; {new} is its new name")


def _removal_steps(name: str, start: datetime) -> Iterable[Step]:
    gone = f"{start + PUBLISHED_FOR:%Y-%m-%d}"
    title = f"{name} gets no more updates and will be removed on {gone}"
    yield Step(start, "removal_announced", name, title)
    yield Step(start + UPDATED_FOR, "zeroed", name, f"{name} is zero and will be removed on {gone}")
    yield Step(start + PUBLISHED_FOR, "removed", name, f"{name} is gone")


def _choose(age: timedelta, first: Stage, second: Stage) -> Stage:
    if age >= PUBLISHED_FOR:
        return Stage.GONE
    return second if age >= UPDATED_FOR else first


def _may_replace(new: FieldDefinition, old: FieldDefinition) -> bool:
    """Whether `new`, which names `old`, is later; of two that name each other, the later one."""
    if old.field == new.field or new.launched_at < old.launched_at:
        return False
    return new.field not in old.formerly or new.launched_at > old.launched_at
