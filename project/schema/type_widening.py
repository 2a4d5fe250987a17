"""Which column types may become which others with every value kept exactly."""

import re

_INTEGERS = ("smallint", "integer", "bigint")
_TEXT = re.compile(r"text|character varying(?:\((?P<length>\d+)\))?")
_NUMERIC = re.compile(r"numeric(?:\((?P<digits>\d+),(?P<scale>\d+)\))?")


def is_widening(old: str, new: str) -> bool:
    """Return whether every value of the old type (as format_type writes it) fits the new one."""
    if old in _INTEGERS and new in _INTEGERS:
        return _INTEGERS.index(old) < _INTEGERS.index(new)
    if old in _INTEGERS and new == "numeric":
        return True
    if (old, new) == ("real", "double precision"):
        return True
    return _is_longer_text(old, new) or _is_wider_numeric(old, new)


def _is_longer_text(old: str, new: str) -> bool:
    before, after = _TEXT.fullmatch(old), _TEXT.fullmatch(new)
    if before is None or after is None:
        return False
    if after["length"] is None:
        return True
    return before["length"] is not None and int(before["length"]) <= int(after["length"])


def _is_wider_numeric(old: str, new: str) -> bool:
    before, after = _NUMERIC.fullmatch(old), _NUMERIC.fullmatch(new)
    if before is None or after is None:
        return False
    if after["digits"] is None:
        return True
    if before["digits"] is None:
        return False
    more_scale = int(after["scale"]) - int(before["scale"])
    more_digits = int(after["digits"]) - int(before["digits"])
    return more_scale >= 0 and more_digits >= more_scale
