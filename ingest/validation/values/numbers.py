"""integer and numeric; boolean."""

import re
from typing import Annotated, Any

from msgspec import Meta, Raw

from ingest.payload.json_syntax import Number
from ingest.validation.values.adapter import (
    Adapter,
    Canonical,
    Fault,
    Value,
    every_raw_matches,
    show,
)

INTEGER = r"-?(?:0|[1-9][0-9]*)"
NUMBER = INTEGER + r"(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_integer = re.compile(INTEGER)
_number = re.compile(NUMBER)
_not_finite = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)

INTEGER_BITS = {"int2": 16, "int4": 32, "int8": 64}

NUMERIC_INTEGER_DIGITS = 131072
NUMERIC_FRACTION_DIGITS = 16383
# Those of an exponent that is beyond every number.
_EXPONENT_DIGITS = 18


def integer_adapter(base: str) -> Adapter:
    """Return the adapter of smallint, integer or bigint."""
    bits = INTEGER_BITS[base]
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    # A string of fewer digits than the bound is in range; a longer one takes the slow path.
    short = rf"-?(?:0|[1-9][0-9]{{0,{len(str(high)) - 2}}})"

    def check(value: Value) -> Canonical | Fault:
        if not isinstance(value, str) or not _integer.fullmatch(value):
            return Fault("not_integer", f"expected an integer, got {show(value)}")
        if len(value) > 20 or not low <= int(value) <= high:
            return Fault("out_of_range", f"must be between {low} and {high}")
        return str(value)

    return Adapter(
        check=check,
        annotation=Annotated[int, Meta(ge=low, le=high)] | _text(short),
        copied_as="scalar",
        schema={"type": "integer", "minimum": low, "maximum": high},
    )


def numeric_adapter(precision_scale: tuple[int, int] | None) -> Adapter:
    """Return the adapter of numeric(precision, scale), or of numeric without bounds."""
    if precision_scale is None:
        digits, schema = NUMERIC_INTEGER_DIGITS, {"type": "number"}
        scale = NUMERIC_FRACTION_DIGITS
        plain = r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,300})?"
    else:
        precision, scale = precision_scale
        digits = precision - scale
        plain = _plain_numeric(digits, scale)
        schema = {"type": "number", **_numeric_schema(digits, scale)}

    def check(value: Value) -> Canonical | Fault:
        fault = refuse_not_a_number(value)
        if fault is not None:
            return fault
        integer_digits, fraction_digits = _count_digits(str(value))
        if integer_digits > digits:
            return Fault("out_of_range", f"{show(value)} has more than {digits} integer digits")
        if fraction_digits > scale:
            return Fault(
                "scale_exceeded", f"{show(value)} has more than {scale} digits after the point"
            )
        return str(value)

    return Adapter(
        check=check,
        # Not `Decimal`: it would be checked digit by digit in Python, the text in one sweep.
        annotation=Raw,
        check_column=every_raw_matches(f'"{plain}"|{plain}'),
        copied_as="scalar",
        schema=schema,
    )


def boolean_adapter() -> Adapter:
    """Return the adapter of boolean: true and false; in CSV also t and f, in any case."""

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, bool):
            return value
        return Fault("not_boolean", f"expected true or false, got {show(value)}")

    def read_field(field: str) -> Value | Fault:
        is_known = field.lower() in {"true", "false", "t", "f"}
        return field.lower().startswith("t") if is_known else field

    return Adapter(
        check=check,
        annotation=bool,
        read_field=read_field,
        copied_as="scalar",
        schema={"type": "boolean"},
    )


def _text(pattern: str) -> Any:
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")]


def refuse_not_a_number(value: Value) -> Fault | None:
    """Return why a value is no finite number of JSON, or a string of one; None where it is."""
    if isinstance(value, str):
        if _number.fullmatch(value):
            return None
        if not isinstance(value, Number) and _not_finite.fullmatch(value):
            return Fault("not_finite", f"{show(value)} is not a finite number")
    return Fault("not_number", f"expected a number, got {show(value)}")


def read_digits(number: str) -> tuple[str, int]:
    """Return a number's digits without zeros at its ends, and the exponent of the last one.

    None are left of zero.
    """
    mantissa, _, exponent = number.lstrip("-").lower().partition("e")
    # A longer one would be too many digits to be read at once.
    power = int(exponent.lstrip("+-0")[:_EXPONENT_DIGITS] or 0)
    last = -power if exponent.startswith("-") else power
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    return significant, last - len(fraction) + len(digits) - len(significant)


def _count_digits(number: str) -> tuple[int, int]:
    """Return the digits before and after the point that the number's exact value needs."""
    significant, exponent = read_digits(number)
    if not significant:
        return 0, -NUMERIC_INTEGER_DIGITS  # zero fits wherever the point is
    return max(exponent + len(significant), -NUMERIC_INTEGER_DIGITS), -exponent


def _plain_numeric(digits: int, scale: int) -> str:
    if digits < 1 or scale < 0:
        return "0"
    whole = rf"-?(?:0|[1-9][0-9]{{0,{digits - 1}}})"
    return whole if scale == 0 else rf"{whole}(?:\.[0-9]{{1,{scale}}})?"


def _numeric_schema(digits: int, scale: int) -> dict[str, Any]:
    if digits < 1 or digits > 15:
        return {}
    bound = 10**digits
    return {"exclusiveMinimum": -bound, "exclusiveMaximum": bound}
