"""real and double precision: numbers that PostgreSQL gives back as they were sent."""

import math
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from ingest.outcome import SHOWN_CHARACTERS
from ingest.validation.values.adapter import (
    Adapter,
    Canonical,
    ColumnCheck,
    Fault,
    Value,
    every_raw_matches,
)
from ingest.validation.values.numbers import read_digits, refuse_not_a_number

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[float]).decode


@dataclass(frozen=True, slots=True)
class _Format:
    """A binary format (IEEE 754). PostgreSQL refuses what lies outside its range."""

    name: str
    bits: int  # of the mantissa
    least: int  # the lowest power of two
    digits: int  # every number of so many significant digits is kept
    most_digits: int  # none that is written has more
    limit: float  # what is not below is infinite
    vanishing: float  # what is not above is zero
    round: Callable[[float], float]


def _round_to_real(number: float) -> float:
    (single,) = struct.unpack("f", struct.pack("f", number))
    return float(single)


_FORMATS = {
    "float4": _Format(
        "real", 24, -149, 6, 9, 3.4028235677973366e38, 7.006492321624086e-46, _round_to_real
    ),
    "float8": _Format("double precision", 53, -1074, 15, 17, math.inf, 0.0, float),
}

# Numbers that are certainly in range and kept, for having few digits.
_SURE = {
    "float4": r"-?(?:(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?|[1-9][0-9]{4,5}|0\.[0-9]{3,6})",
    "float8": r"-?(?:(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?|[1-9][0-9]{9,14})",
}
_sure_real = re.compile(_SURE["float4"])

# From here on not every integer is a double.
_EVERY_INTEGER = 2.0**53

_nonzero = re.compile("[1-9]")
_exponent = re.compile("[eE]")

# In the text of a geometric type: a number, and one that is not certain to be kept.
_coordinate = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_row_field = re.compile(r'((?:"(?:[^"\\]++|\\.|"")*+"|[^,)"\\]++|\\.)*+)[,)]', re.DOTALL)
_long_coordinate = re.compile(r"(?:[0-9]\.?){16}|[0-9.][eE]")


def float_adapter(base: str) -> Adapter:
    """Return the adapter of real or double precision."""
    form = _FORMATS[base]
    sure = re.compile(_SURE[base])

    def check(value: Value) -> Canonical | Fault:
        fault = refuse_not_a_number(value)
        text = str(value)
        if fault is not None or sure.fullmatch(text):
            return fault or text
        return _refuse_loss(text, form) or text

    return Adapter(
        check=check,
        # Not `float`: the text that was sent goes to PostgreSQL, checked in one sweep.
        annotation=msgspec.Raw,
        check_column=_check_column(base),
        copied_as="scalar",
        schema={"type": "number"},
    )


def geometry_adapter(opaque: Adapter) -> Adapter:
    """Return the adapter of a geometric type, whose coordinates are double precision."""

    def check(value: Value) -> Canonical | Fault:
        checked = opaque.check(value)
        if not isinstance(checked, str) or not _long_coordinate.search(checked):
            return checked
        numbers = dict.fromkeys(_coordinate.findall(checked))
        faults = (_refuse_loss(number, _FORMATS["float8"]) for number in numbers)
        return next(filter(None, faults), checked)

    def check_column(texts: Sequence[str]) -> bool:
        return not _long_coordinate.search("\n".join(texts))

    return replace(opaque, check=check, check_column=check_column)


def row_adapter(opaque: Adapter, parts: Sequence[str]) -> Adapter:
    """Return the adapter of a row type with fields of these types, or of a domain of one."""
    forms = [_FORMATS.get(part) for part in parts]
    if not any(forms):
        return opaque

    def check(value: Value) -> Canonical | Fault:
        checked = opaque.check(value)
        if not isinstance(checked, str):
            return checked
        row = checked.strip()
        texts = _split_row(row) if row.startswith("(") else [row]
        numbers = ((text.strip('" '), form) for text, form in zip(texts, forms, strict=False))
        faults = (
            _refuse_loss(number, form)
            for number, form in numbers
            if form and _coordinate.fullmatch(number.removeprefix("-"))
        )
        return next(filter(None, faults), checked)

    def check_column(texts: Sequence[str]) -> bool:
        return not any(isinstance(check(text), Fault) for text in texts)

    return replace(opaque, check=check, check_column=check_column)


def _split_row(text: str) -> list[str]:
    """Return the fields of a row's text (PostgreSQL, "Composite Type Input and Output Syntax").

    They end where the text is none: PostgreSQL refuses it.
    """
    fields: list[str] = []
    at = 1
    while found := _row_field.match(text, at):
        fields.append(found[1])
        at = found.end()
    return fields


def _check_column(base: str) -> ColumnCheck:
    are_sure = every_raw_matches(f'"{_SURE[base]}"|{_SURE[base]}')
    are_kept = _check_doubles(base) if base == "float8" else _are_kept_reals
    return lambda texts: are_sure(texts) or are_kept(texts)


def _check_doubles(base: str) -> ColumnCheck:
    """Return a check that has msgspec write the numbers, which it does as PostgreSQL would."""
    are_sure = every_raw_matches(_SURE[base])

    def check_column(texts: Sequence[msgspec.Raw]) -> bool:
        array = b",".join(texts).replace(b'"', b"")
        try:
            numbers = _decode(b"[%b]" % array)
        except msgspec.DecodeError:
            return False
        sent, written = array.split(b","), _encode(numbers)[1:-1].split(b",")
        if len(numbers) != len(texts) or max(map(abs, numbers), default=0) >= _EVERY_INTEGER:
            return False
        return are_sure([msgspec.Raw(a) for a, b in zip(sent, written, strict=True) if a != b])

    return check_column


def _are_kept_reals(texts: Sequence[msgspec.Raw]) -> bool:
    numbers = (bytes(each).strip(b'"').decode() for each in texts)
    rest = (number for number in numbers if not _sure_real.fullmatch(number))
    form = _FORMATS["float4"]
    return not any(refuse_not_a_number(each) or _refuse_loss(each, form) for each in rest)


def _refuse_loss(text: str, form: _Format) -> Fault | None:
    """Return why a number is not kept as it was sent, None where it is."""
    number, shown = abs(float(text)), text[:SHOWN_CHARACTERS]
    is_zero = not _nonzero.search(_exponent.split(text)[0])
    if number >= form.limit or (number <= form.vanishing and not is_zero):
        return Fault("out_of_range", f"{shown} is outside the range of {form.name}")
    kept = form.round(number)
    if is_zero or _is_written(text, kept, form):
        return None
    return Fault("precision_lost", f"{form.name} would keep {_write(kept, form)} of {shown}")


def _is_written(sent: str, kept: float, form: _Format) -> bool:
    """Return whether PostgreSQL writes a value above zero as the number that was sent.

    It writes the shortest number that only this value is nearest to, and of several the closest.
    """
    significant, exponent = read_digits(sent)
    if len(significant) > form.most_digits:
        return False
    return _is_shortest(int(significant), exponent, kept, form)


def _is_shortest(digits: int, exponent: int, kept: float, form: _Format) -> bool:
    """Return whether no number but digits * 10 ** exponent is written for a value.

    The last of the digits is not zero.
    """
    fraction, power = math.frexp(kept)
    step = max(power - form.bits, form.least)
    # In a common unit: the last digit's place, the distance of neighbouring values.
    place = 4 * 10 ** max(exponent, 0) * 2 ** max(-step, 0)
    distance = 4 * 10 ** max(-exponent, 0) * 2 ** max(step, 0)
    sent, value = digits * place, int(math.ldexp(kept, -step)) * distance
    # Below a power of two the values are twice as dense.
    below = value - distance // (4 if fraction == 0.5 and step > form.least else 2)
    above = value + distance // 2
    shorter = sent - digits % 10 * place
    closer = (one for one in (sent - place, sent + place) if abs(one - value) < abs(sent - value))
    rivals = (shorter, shorter + 10 * place, *closer)
    return below < sent < above and not any(below < one < above for one in rivals)


def _write(kept: float, form: _Format) -> str:
    texts = (f"{kept:.{count}g}" for count in range(form.digits, form.most_digits))
    written = (text for text in texts if _is_written(text, kept, form))
    return next(written, f"{kept:.{form.most_digits}g}")
