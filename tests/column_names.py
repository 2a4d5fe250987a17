"""Spellings and the column that each is meant for, in the service and in the load page alike."""

from typing import NamedTuple


class Case(NamedTuple):
    """Columns, a spelling, and the columns it may be meant for."""

    columns: list[str]
    spelling: str
    found: list[str]


CASES = [
    Case(["a_b"], "a_b", ["a_b"]),
    Case(["department_id"], "DEPARTMENT_ID", ["department_id"]),
    Case(["unique_key"], " Unique Key\t", ["unique_key"]),
    Case(["unique_key"], "Unique\nKey", ["unique_key"]),
    Case(["deathConfirmed"], "death_confirmed", ["deathConfirmed"]),
    Case(["straße"], "STRASSE", ["straße"]),
    Case(["a_b"], "a-b", []),
    Case(["a_b"], "", []),
    Case(["a_b", "ab"], "a_b", ["a_b"]),
    Case(["a_b", "ab"], "ab", ["ab"]),
    Case(["ab", "a_b"], " a_b ", ["a_b"]),
    Case(["a_b", "ab"], "A B", ["a_b", "ab"]),
    Case(["a_b", "ab"], "A_B", ["a_b", "ab"]),
]
