"""Names found by other spellings, in the service and in the load page alike."""

from typing import NamedTuple


class Spelling(NamedTuple):
    """Names, a spelling, and the names that it may mean."""

    names: list[str]
    spelling: str
    found: list[str]


SPELLINGS = [
    Spelling(["a_b"], "a_b", ["a_b"]),
    Spelling(["department_id"], "DEPARTMENT_ID", ["department_id"]),
    Spelling(["unique_key"], " Unique Key\t", ["unique_key"]),
    Spelling(["unique_key"], "Unique\nKey", ["unique_key"]),
    Spelling(["deathConfirmed"], "death_confirmed", ["deathConfirmed"]),
    Spelling(["straße"], "STRASSE", ["straße"]),
    Spelling(["a_b"], "a-b", []),
    Spelling(["a_b"], "", []),
    Spelling(["a_b", "ab"], "a_b", ["a_b"]),
    Spelling(["a_b", "ab"], "ab", ["ab"]),
    Spelling(["ab", "a_b"], " a_b ", ["a_b"]),
    Spelling(["a_b", "ab"], "A B", ["a_b", "ab"]),
    Spelling(["a_b", "ab"], "A_B", ["a_b", "ab"]),
    Spelling(["a", "b", "a"], "a", ["a", "a"]),
    Spelling([" a", "a", "A "], " a", [" a"]),
    Spelling([" a", "a", "A "], "A", ["A "]),
]
