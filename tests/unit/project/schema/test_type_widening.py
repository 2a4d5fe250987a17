import pytest

from project.schema.type_widening import is_widening


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("smallint", "integer"),
        ("integer", "bigint"),
        ("bigint", "numeric"),
        ("real", "double precision"),
        ("character varying(10)", "character varying(20)"),
        ("character varying(10)", "character varying"),
        ("character varying(10)", "text"),
        ("character varying", "text"),
        ("text", "character varying"),
        ("numeric(10,2)", "numeric(12,2)"),
        ("numeric(10,2)", "numeric(12,4)"),
        ("numeric(10,2)", "numeric"),
    ],
)
def test_keeps_every_value(old: str, new: str) -> None:
    assert is_widening(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("integer", "smallint"),
        ("bigint", "double precision"),
        ("bigint", "numeric(10,0)"),
        ("double precision", "real"),
        ("character varying(20)", "character varying(10)"),
        ("character varying", "character varying(10)"),
        ("text", "character varying(10)"),
        ("text", "integer"),
        ("character(10)", "text"),
        ("numeric(10,2)", "numeric(10,4)"),
        ("numeric(10,2)", "numeric(12,1)"),
        ("numeric", "numeric(10,2)"),
        ("timestamp with time zone", "date"),
        ("date", "timestamp with time zone"),
    ],
)
def test_may_lose_something(old: str, new: str) -> None:
    assert not is_widening(old, new)
