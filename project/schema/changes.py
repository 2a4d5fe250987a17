"""The steps from a schema as it is to the schema a changed schema.sql describes.

Only what keeps every stored value is done; the rest is refused with what a person can do. What
was changed by hand in the database, and not in the file, stays as it is.
"""

from dataclasses import dataclass, field

from psycopg.sql import Composable

from project.schema import statements
from project.schema.objects import Detail, Key, SchemaObjects
from project.schema.type_widening import is_widening

# Kinds that are made in a dataset that exists already; functions, triggers, views and domains are
# left to people there. (A dataset's first schema.sql is run as it is and may hold anything.)
MADE = {"enum", "table", "column", "constraint", "index", "comment"}

# Kinds that hold no data and go when they go from the file.
DROPPED = {"constraint", "index", "comment"}

# Parts of a column that cannot be changed without a look at its values.
FIXED = ("generated", "identity", "serial", "collation")

ADVICE = {
    "column": "give the column a DEFAULT in schema.sql; or add it by hand without NOT NULL, fill "
    "it, and set NOT NULL",
    "constraint": "correct the rows that break it",
    "index": "correct the rows that break it",
}


@dataclass(frozen=True)
class Step:
    """One statement, its description, and what to do where PostgreSQL refuses it."""

    description: str
    statement: Composable
    advice: str = ""


@dataclass(frozen=True)
class Plan:
    """The steps in the order they must be taken, and what cannot be done."""

    steps: list[Step] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


def plan_changes(
    *, applied: SchemaObjects | None, wanted: SchemaObjects, live: SchemaObjects
) -> Plan:
    """Return how the live schema becomes what the file wants.

    `applied` is what the file wanted when it was last applied, None where that is not known.
    """
    plan = Plan()
    before = applied or SchemaObjects({})
    detached = _find_detached(before, live)
    new_tables = wanted.tables() - live.tables() - detached
    for key, detail in before.details.items():
        if wanted.get(key) is None and live.get(key) is not None:
            _plan_drop(plan, key, changed_by_hand=live.get(key) != detail)
    for key, detail in wanted.details.items():
        if key.table in detached:
            continue
        if key.table in new_tables:
            if key.kind != "column":  # columns are made with their table
                _plan_new(plan, key, wanted)
        elif before.get(key) != detail:
            _plan_change(plan, key, live.get(key), wanted)
    return plan


def _find_detached(before: SchemaObjects, live: SchemaObjects) -> set[str]:
    """Return the partitions that were made from the file and have been taken away since."""
    partitions = {
        key.table
        for key, detail in before.details.items()
        if key.kind == "table" and detail["parent"] is not None
    }
    return partitions - live.tables()


def _plan_drop(plan: Plan, key: Key, *, changed_by_hand: bool) -> None:
    if key.kind not in DROPPED:
        plan.refusals.append(
            f"{_name(key)} is no longer in schema.sql. If it was renamed, rename it in the "
            "database too; if it and its data may go, drop it by hand; else put it back"
        )
    elif not changed_by_hand:
        plan.steps.append(Step(f"drop {_name(key)}", statements.drop_object(key)))


def _plan_new(plan: Plan, key: Key, wanted: SchemaObjects) -> None:
    if key.kind not in MADE:
        _refuse(plan, key)
        return
    statement = statements.create_object(key, wanted)
    plan.steps.append(Step(f"create {_name(key)}", statement, ADVICE.get(key.kind, "")))


def _plan_change(plan: Plan, key: Key, current: Detail | None, wanted: SchemaObjects) -> None:
    detail = wanted.details[key]
    if current == detail:
        return
    if current is None:
        _plan_new(plan, key, wanted)
    elif key.kind == "column":
        _plan_column(plan, key, current, detail)
    elif key.kind in {"constraint", "index"}:
        plan.steps.append(Step(f"drop {_name(key)}", statements.drop_object(key)))
        _plan_new(plan, key, wanted)
    elif key.kind == "comment":
        statement = statements.comment_on(key, detail["text"])
        plan.steps.append(Step(f"change {_name(key)}", statement))
    elif key.kind == "enum":
        _plan_enum(plan, key, current["labels"], detail["labels"])
    else:
        _refuse(plan, key)


def _plan_enum(plan: Plan, key: Key, current: list[str], wanted: list[str]) -> None:
    if [label for label in wanted if label in current] != current:
        plan.refusals.append(
            f"{_name(key)} loses or reorders labels in schema.sql, and rows may hold them: put "
            "them back in their order (new ones may stand anywhere)"
        )
        return
    previous = None
    for label in wanted:
        if label not in current:
            statement = statements.add_label(key, label, after=previous, before=current[0])
            plan.steps.append(Step(f"add label {label} to {_name(key)}", statement))
        previous = label


def _plan_column(plan: Plan, key: Key, current: Detail, detail: Detail) -> None:
    changed = {part for part in detail if current[part] != detail[part]}
    unsafe = changed.intersection(FIXED)
    if "type" in changed and not is_widening(current["type"], detail["type"]):
        unsafe.add("type")
    if unsafe:
        what = ", ".join(f"{part} {current[part]} -> {detail[part]}" for part in sorted(unsafe))
        plan.refusals.append(
            f"{_name(key)} changes in schema.sql ({what}) and its values may not survive that: "
            f"run ALTER TABLE {key.table} ALTER COLUMN {key.name} … by hand"
        )
        return
    name = _name(key)
    parts = {
        "type": (f"widen {name} to {detail['type']}", ""),
        "default": (f"change the default of {name}", ""),
        "not_null": (
            f"{'set' if detail['not_null'] else 'drop'} NOT NULL of {name}",
            "fill the rows where it is null",
        ),
    }
    for part, (description, advice) in parts.items():
        if part in changed:
            statement = statements.alter_column(key, part, detail)
            plan.steps.append(Step(description, statement, advice))


def _refuse(plan: Plan, key: Key) -> None:
    plan.refusals.append(
        f"{_name(key)} is new or changed in schema.sql: make that change by hand (in a dataset "
        "that exists, tables and enums are the only things changed automatically)"
    )


def _name(key: Key) -> str:
    if not key.table or key.kind == "table":
        return f"{key.kind} {key.name}"
    if key.kind == "comment":
        return f"comment of {key.table}.{key.name}".rstrip(".")
    return f"{key.kind} {key.table}.{key.name}"
