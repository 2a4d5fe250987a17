"""backups.avro.schema: what a file's schema says, also an earlier version's."""

from typing import Any

import pytest

from backups.avro.schema import Field, FileSchema, parse_schema
from backups.avro.types import TEXT
from backups.errors import FileRefused

SCHEMA = FileSchema("hiring", "jobs", (Field("name", "name", "text", "text", TEXT),))


def with_field(**changes: Any) -> dict[str, Any]:
    document = SCHEMA.document()
    return document | {"fields": [document["fields"][0] | changes]}


def test_every_field_may_be_missing_in_other_files() -> None:
    document = SCHEMA.document()
    assert [field["default"] for field in document["fields"]] == [None]
    assert parse_schema(document) == SCHEMA


def test_reads_an_earlier_version_s_schema_without_defaults() -> None:
    document = SCHEMA.document()
    for field in document["fields"]:
        del field["default"]
    assert parse_schema(document) == SCHEMA


@pytest.mark.parametrize("changes", [{"default": "x"}, {"order": "ignore"}])
def test_refuses_a_schema_that_no_version_wrote(changes: dict[str, Any]) -> None:
    with pytest.raises(FileRefused):
        parse_schema(with_field(**changes))
