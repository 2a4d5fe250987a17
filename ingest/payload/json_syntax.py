"""Strict JSON (RFC 8259) beyond what msgspec reads: digits kept, repeated keys seen, surrogates."""

import json
import re
from itertools import islice
from typing import Any, NoReturn

_space = re.compile(r"[ \t\n\r]*")


class Number(str):
    """A JSON number as it was written: 1.10 keeps its zero, 1e400 stays finite."""

    __slots__ = ()


class RepeatedKey(dict[str, Any]):
    """A parsed object in which a key stood twice."""

    key = ""


def parse_json(text: str) -> Any:
    """Parse one strict JSON text (RFC 8259); numbers stay text, a repeated key is remembered.

    Raises ValueError where it is not JSON and RecursionError where it is nested too deep to read.
    """
    return _decoder.decode(text)


def write_json(value: Any) -> str:
    """Return a parsed value as JSON text; numbers stay as they were written."""
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(write_json, value))}]"
    if isinstance(value, dict):
        members = (f"{write_json(key)}: {write_json(each)}" for key, each in value.items())
        return f"{{{', '.join(members)}}}"
    return _encode(value)


def write_beginning(value: Any, count: int) -> str:
    """Return the first characters of a parsed value's JSON text."""
    return write_json(_leave_ends_out(value, count))[:count]


def _leave_ends_out(value: Any, count: int) -> Any:
    """Return a value without what stands behind the first members of its arrays and objects."""
    if isinstance(value, list):
        return [_leave_ends_out(each, count) for each in value[:count]]
    if isinstance(value, dict):
        return {key: _leave_ends_out(each, count) for key, each in islice(value.items(), count)}
    return value


def _collect_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) == len(pairs):
        return parsed
    repeated = RepeatedKey(parsed)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            repeated.key = key
            break
        seen.add(key)
    return repeated


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_encode = json.JSONEncoder(ensure_ascii=False).encode
_decoder = json.JSONDecoder(
    parse_int=Number,
    parse_float=Number,
    parse_constant=_refuse_constant,
    object_pairs_hook=_collect_pairs,
)


def split_array(text: str) -> list[str]:
    """Return the text of each element of a JSON array; raise ValueError where it is not JSON.

    Slower than msgspec, but knows half a surrogate pair for the JSON it is (RFC 8259, section 8.2).
    """
    elements: list[str] = []
    position = _skip_space(text, 1)
    while text[position : position + 1] != "]":
        if elements:
            if text[position : position + 1] != ",":
                raise ValueError(f"expected a comma at character {position}")
            position = _skip_space(text, position + 1)
        _, end = _decoder.raw_decode(text, position)
        elements.append(text[position:end])
        position = _skip_space(text, end)
    if _skip_space(text, position + 1) != len(text):
        raise ValueError(f"there is something after the array at character {position + 1}")
    return elements


def _skip_space(text: str, position: int) -> int:
    match = _space.match(text, position)
    return match.end() if match else position
