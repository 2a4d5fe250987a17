"""JSON texts read only as far as needed, so that a value keeps its own text."""

import json
from typing import NoReturn

import msgspec

decode_text = msgspec.json.Decoder(str).decode
encode_json = msgspec.json.Encoder().encode

_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def find_problem(text: bytes) -> str | None:
    """Return why the text is not one JSON value, None if it is one."""
    try:
        _decode_raw(text)
    except RecursionError:
        return "nested too deep"
    except msgspec.DecodeError as error:
        # msgspec does not take a lone surrogate (`\ud800`) for JSON; the service rejects its row
        # alone. The json module takes it.
        return None if b"\\u" in text and _is_json(text) else str(error)
    return None


def read_members(row: bytes) -> dict[str, msgspec.Raw] | None:
    """Return the members of an object as they stand; None for what is none or repeats a key."""
    try:
        members = _decode_members(row)
        # The list of pairs keeps a repeated key; numbers stay text, so that none is too long.
        pairs = json.loads(row, object_pairs_hook=list, parse_int=str, parse_float=str)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return members if len(members) == len(pairs) else None


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
