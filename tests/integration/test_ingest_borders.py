"""The batch of one as the model: rows have the same outcome wherever batches begin."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.sending import execute, send, stored
from tests.scale import is_short, scale

pytestmark = pytest.mark.usefixtures("database")

Row = dict[str, Any]

# A row is rejected for the same reason where its key is that of a row of its own batch.
ALIKE = {"duplicate_in_batch": "duplicate_key"}

TABLE = """
    CREATE TABLE hiring.bordered (
        id int PRIMARY KEY,
        code text UNIQUE,
        place int,
        boss int,
        name text NOT NULL,
        n int DEFAULT 7 CHECK (n < 50),
        bound int DEFAULT 60,
        CHECK (n < bound))
"""

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.integers(0, 5),
    "code": st.sampled_from(["a", "b", "c", "d", None]),
    "name": st.sampled_from(["x", "y"]),
    "n": st.sampled_from([1, 7, 40, 50, "x", None]),
    "bound": st.sampled_from([5, 30, 60]),
}


def rows(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Row]]:
    """Return lists of rows, most of them whole, with further columns."""
    values = VALUES | more
    required = {name: values[name] for name in ("id", "name")}
    optional = {name: values[name] for name in values if name not in required}
    whole = st.fixed_dictionaries(required, optional=optional)
    partial = st.fixed_dictionaries({"id": values["id"]}, optional=optional)
    return st.lists(st.one_of(whole, whole, whole, partial), min_size=1, max_size=14)


def outcome(
    client: Client, known: Sequence[Row], sent: Sequence[Row], query: str, size: int
) -> tuple[list[Any], dict[int, set[str]]]:
    """Send rows in batches of a size; return what is stored then, and each row's errors."""
    execute("DELETE FROM hiring.bordered")
    for row in known:
        send(client, "bordered", [row])
    rejected: dict[int, set[str]] = {}
    for start in range(0, len(sent), size):
        answer = send(client, "bordered", json.dumps(sent[start : start + size]), query)
        receipt = answer.json()
        assert "received" in receipt, receipt
        for one in receipt["rejections"]:
            found = {ALIKE.get(error["code"], error["code"]) for error in one["errors"]}
            # Beside other errors it is not told that the row referred to is itself rejected.
            rejected[start + one["index"]] = found - {"fk_violation"} or found
    return stored("SELECT * FROM hiring.bordered ORDER BY id"), rejected


def check_borders(
    client: Client,
    query: str,
    strategy: st.SearchStrategy[list[Row]],
    known: st.SearchStrategy[list[Row]],
    sizes: Sequence[int] = (1, 7),
) -> None:
    @settings(
        max_examples=scale(25),
        derandomize=is_short(),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.generate, Phase.target],
    )
    @given(known, strategy)
    def check(before: list[Row], sent: list[Row]) -> None:
        whole = outcome(client, before, sent, query, len(sent))
        for size in sizes:
            assert outcome(client, before, sent, query, size) == whole

    check()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?on_conflict=ignore",
        "?on_conflict=ignore&conflict_key=id",
        "?on_conflict=update",
        "?on_conflict=update&return=keys",
        "?on_conflict=update&conflict_key=code",
    ],
)
def test_borders_between_batches_do_not_matter(client: Client, query: str) -> None:
    execute(TABLE)
    check_borders(client, query, rows(), rows())


@pytest.mark.parametrize("mode", ["reject", "ignore", "update"])
def test_nor_do_they_where_rows_refer_to_rows_above(client: Client, mode: str) -> None:
    execute(TABLE)
    execute("ALTER TABLE hiring.bordered ADD FOREIGN KEY (boss) REFERENCES hiring.bordered")
    # Row by row a row that refers to one further down is rejected: here none does.
    upwards = rows(boss=st.sampled_from([None, "above"])).map(refer_upwards)
    check_borders(client, f"?on_conflict={mode}&conflict_key=id", upwards, st.just([]))


def refer_upwards(sent: list[Row]) -> list[Row]:
    """Return rows in which `boss` is the id of the row above, unless a row further down has it."""
    for place, row in enumerate(sent):
        if row.get("boss") == "above":
            above = sent[place - 1]["id"]
            is_last = all(other["id"] != above for other in sent[place:])
            row["boss"] = above if is_last else None
    return sent
