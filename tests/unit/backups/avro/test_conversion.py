"""backups.avro.conversion: other tools' values, exact or in a form that the rules refuse."""

from typing import Any

import pytest

from backups.avro.conversion import choose_converter, column_converter
from backups.errors import FileRefused


def convert(value: Any, base: str, logical: str, **properties: Any) -> Any:
    converter = choose_converter({"type": base, "logicalType": logical, **properties})
    return value if converter is None else converter(value)


@pytest.mark.parametrize(
    ("value", "base", "logical", "expected"),
    [
        (-1, "int", "date", "1969-12-31"),
        (10**9, "int", "date", "1000000000 days after 1970-01-01"),
        (1, "int", "time-millis", "00:00:00.001000"),
        (86_400_000_000, "long", "time-micros", "86400000000 microseconds after midnight"),
        (-1, "long", "timestamp-millis", "1969-12-31T23:59:59.999+00:00"),
        (1, "long", "timestamp-micros", "1970-01-01T00:00:00.000001+00:00"),
        (0, "long", "local-timestamp-micros", "1970-01-01T00:00:00"),
        (1_500_000_000, "long", "timestamp-nanos", "1970-01-01T00:00:01.5+00:00"),
        (1, "long", "local-timestamp-nanos", "1970-01-01T00:00:00.000000001"),
        (2**62, "long", "timestamp-millis", f"{2**62}/1000 seconds after 1970-01-01"),
    ],
    ids=str,
)
def test_a_moment_is_written_out(value: int, base: str, logical: str, expected: str) -> None:
    assert convert(value, base, logical) == expected


@pytest.mark.parametrize(
    ("number", "scale", "expected"),
    [(150, 2, "1.50"), (-5, 3, "-0.005"), (7, 0, "7"), (10**40 + 1, 1, "1" + "0" * 39 + ".1")],
)
def test_a_decimal_keeps_every_digit(number: int, scale: int, expected: str) -> None:
    packed = number.to_bytes(20, "big", signed=True)
    assert convert(packed, "bytes", "decimal", precision=50, scale=scale) == expected
    assert convert(packed, "fixed", "decimal", precision=50, scale=scale, size=20) == expected


def test_a_decimal_without_a_usable_scale_refuses_the_file() -> None:
    with pytest.raises(FileRefused):
        convert(b"\1", "bytes", "decimal", scale="2")


def test_sixteen_bytes_may_be_a_uuid_and_twelve_a_duration() -> None:
    assert convert(bytes(15) + b"\1", "fixed", "uuid", size=16) == (
        "00000000-0000-0000-0000-000000000001"
    )
    packed = bytes([1, 0, 0, 0, 30, 0, 0, 0, 0xDC, 5, 0, 0])
    assert convert(packed, "fixed", "duration", size=12) == "P1M30DT1.500S"


@pytest.mark.parametrize(
    ("base", "logical", "properties"),
    [
        ("string", "date", {}),
        ("string", "timestamp-micros", {}),
        (["null", "long"], "timestamp-micros", {}),
        ("int", "timestamp-millis", {}),
        ("fixed", "uuid", {"size": 4}),
        ("long", "color", {}),
        ("long", ["date"], {}),
    ],
    ids=str,
)
def test_a_logical_type_on_another_base_is_passed_over(
    base: Any, logical: Any, properties: dict[str, Any]
) -> None:
    assert convert("as it was", base, logical, **properties) == "as it was"


@pytest.mark.parametrize(
    ("base", "value", "expected"),
    [
        ("int4", 3.0, 3),
        ("int4", 3.5, 3.5),
        ("int8", 1e300, 1e300),
        ("float4", 0.5, 0.5),
        ("float4", 0.1, "0.1 as a real"),
        ("float4", 1e300, "1e+300 as a real"),
        ("float4", float("nan"), "nan"),
        ("bytea", b"\0\xff", "AP8="),
        ("text", b"ab", {"bytes": "YWI="}),
        ("text", "ab", "ab"),
        ("_text", ["a", b"b"], ["a", "Yg=="]),
        ("jsonb", {"a": [float("inf")]}, {"a": ["inf"]}),
    ],
    ids=str,
)
def test_a_value_becomes_what_the_column_takes_or_refuses(
    base: str, value: Any, expected: Any
) -> None:
    assert column_converter(base)(value) == expected


def test_a_field_without_a_column_keeps_its_value() -> None:
    assert column_converter(None)(b"ab") == "YWI="
