"""Rules asked once for each value find the faults that rules asked of every row find."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.sending import execute, send, stored
from tests.scale import scale

pytestmark = pytest.mark.usefixtures("database")

PARENTS = """
    CREATE TABLE hiring.place (id bigint PRIMARY KEY);
    CREATE TABLE hiring.word (word text PRIMARY KEY);
    CREATE TABLE hiring.token (token uuid PRIMARY KEY);
    INSERT INTO hiring.place VALUES (0), (1), (2);
    INSERT INTO hiring.word VALUES ('a'), ('"b"'), ('');
    INSERT INTO hiring.token VALUES ('00000000-0000-0000-0000-00000000000a');
"""
# A rule that reads a document makes all rules be asked of whole rows.
CHILD = """
    CREATE TABLE hiring.{} (
        id integer PRIMARY KEY,
        place bigint CONSTRAINT place REFERENCES hiring.place,
        word text CONSTRAINT word REFERENCES hiring.word,
        token uuid CONSTRAINT token REFERENCES hiring.token,
        code varchar(9) CONSTRAINT code_{} UNIQUE,
        CONSTRAINT small CHECK (place < 3) {})
"""
TOKENS = [f"00000000-0000-0000-0000-00000000000{digit}" for digit in "aAb"]
ROW = st.fixed_dictionaries(
    {"id": st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, "1", "2", "3", "-0", 0, "x", 2**31])},
    optional={
        "place": st.sampled_from([0, 1, 2, 3, "1", "-0", "4", None, 2**63, True]),
        "word": st.sampled_from(["a", '"b"', "", "c", None, "\u00e4\n", 1]),
        "token": st.sampled_from([*TOKENS, None, "zz"]),
        "code": st.sampled_from(["k", "l", '"', "\\", None, "0123456789"]),
    },
)


@pytest.fixture
def children(client: Client) -> Client:
    execute(PARENTS)
    execute(CHILD.format("made", "made", ""))
    execute(CHILD.format("twin", "twin", ", doc jsonb, CHECK (doc IS NULL)"))
    return client


@given(
    batches=st.lists(st.lists(ROW, min_size=1, max_size=12), min_size=1, max_size=3),
    mode=st.sampled_from(["reject", "ignore", "update"]),
)
@settings(
    max_examples=scale(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.target],
)
def test_both_ways_of_asking_say_the_same(
    children: Client, batches: list[list[dict[str, Any]]], mode: str
) -> None:
    execute("DELETE FROM hiring.made; DELETE FROM hiring.twin")
    for rows in batches:
        told, twin = (
            send(children, table, rows, f"?on_conflict={mode}").json() for table in ("made", "twin")
        )
        for name in ("inserted", "updated", "ignored", "rejected"):
            assert told[name] == twin[name]
        assert told["rejections"] == json.loads(
            json.dumps(twin["rejections"]).replace("twin", "made")
        )
    content = "SELECT id, place, word, token, code FROM hiring.{} ORDER BY id"
    assert stored(content.format("made")) == stored(content.format("twin"))
