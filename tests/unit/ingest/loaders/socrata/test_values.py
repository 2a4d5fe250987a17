from typing import Any

import msgspec
import pytest

from ingest.loaders.socrata.values import FieldColumn, describe_place, encode_row

COLUMNS = [
    FieldColumn("key", "unique_key", is_text=False),
    FieldColumn("place", "location", is_text=True),
    FieldColumn("shape", "location", is_text=False),
]


def test_every_column_is_brought_and_what_is_left_out_is_null() -> None:
    assert msgspec.json.decode(encode_row({"unique_key": "7", "other": "x"}, COLUMNS)) == {
        "key": "7",
        "place": None,
        "shape": None,
    }


def test_an_object_stays_one_unless_the_column_is_a_text() -> None:
    point = {"type": "Point", "coordinates": [-73.9, 40.7]}
    row = msgspec.json.decode(encode_row({"unique_key": "7", "location": point}, COLUMNS))
    assert row == {"key": "7", "place": "(40.7, -73.9)", "shape": point}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"latitude": "40.7", "longitude": "-73.9", "human_address": "{}"}, "(40.7, -73.9)"),
        ({"url": "https://example.org"}, None),
        (["a"], None),
    ],
)
def test_places_are_written_as_the_portal_writes_them(value: Any, text: str | None) -> None:
    assert describe_place(value) == text


def test_other_objects_become_json_in_a_text_column() -> None:
    row = msgspec.json.decode(encode_row({"location": {"url": "x"}}, COLUMNS))
    assert row["place"] == '{"url":"x"}'
