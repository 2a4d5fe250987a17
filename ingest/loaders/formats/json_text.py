"""Whether a text is one JSON value."""

import json
from typing import NoReturn

import msgspec

_decode = msgspec.json.Decoder(msgspec.Raw).decode


def find_problem(text: bytes) -> str | None:
    """Return why the text is not one JSON value, None if it is one."""
    try:
        _decode(text)
    except RecursionError:
        return "nested too deep"
    except msgspec.DecodeError as error:
        # msgspec does not take a lone surrogate (`\ud800`) for JSON; the service rejects its row
        # alone. The json module takes it.
        return None if b"\\u" in text and _is_json(text) else str(error)
    return None


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
