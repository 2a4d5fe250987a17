"""json, jsonb and arrays."""

import base64
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from ingest.validation.values.adapter import Adapter, Canonical, Fault, Number, Value, show
from ingest.validation.values.texts import refuse_text

_brackets = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')

# The tokens of PostgreSQL's own array text: braces, commas, quoted and bare elements.
_literal = re.compile(
    r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"|([^{},"\\\s]+(?:[^{},"\\]*[^{},"\\\s])?))'
)


_space = re.compile(r"[ \t\n\r]*")


class RepeatedKey(dict[str, Any]):
    """A parsed object in which a key stood twice."""

    key = ""


def parse_json(text: str) -> Any:
    """Parse one strict JSON text (RFC 8259); numbers stay text, a repeated key is remembered.

    Raises ValueError where it is not JSON and RecursionError where it is nested too deep to read.
    """
    return _decoder.decode(text)


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


def nesting_depth(text: bytes) -> int:
    """Return how deep the arrays and objects of a JSON text are nested."""
    depth = deepest = 0
    for token in _brackets.findall(text):
        if token in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in b"]}":
            depth -= 1
    return deepest


def is_deeper_than(limit: int, text: bytes) -> bool:
    """Return whether a JSON text is nested deeper; nearly free where it has few brackets."""
    return text.count(b"[") + text.count(b"{") > limit and nesting_depth(text) > limit


def json_adapter(max_depth: int, *, required: bool) -> Adapter:
    """Return the adapter of json and jsonb: any JSON value; a CSV field holds its text.

    What is stored is the text as it was sent, so numbers keep their digits. In a required column
    the empty string is a missing value, which the slow path is left to say.
    """

    def examine(value: Value, is_field: bool) -> Canonical | Fault:
        if not is_field:
            return _refuse_inside(value)
        text = str(value).encode("utf-8", "surrogatepass")
        if is_deeper_than(max_depth, text):
            return Fault("json_too_deep", f"nested deeper than {max_depth} levels")
        try:
            parsed = parse_json(text.decode())
        except ValueError:
            return Fault("bad_json", f"{show(value)} is not JSON")
        return _refuse_inside(parsed) or msgspec.Raw(text)

    def screen(raws: Sequence[msgspec.Raw]) -> bool:
        texts = [bytes(raw) for raw in raws]
        return not (required and b'""' in texts) and all(
            _is_sound(text, max_depth) for text in texts
        )

    return Adapter(
        examine=examine,
        annotation=msgspec.Raw,
        screen=screen,
        screen_fields=_refuse_all,
        copied_as="document",
        verbatim=True,
    )


def _is_sound(text: bytes, max_depth: int) -> bool:
    # A JSON column's value stands inside a row, inside the array of rows, inside the envelope.
    if is_deeper_than(max_depth - 3, text):
        return False
    return b"{" not in text or _refuse_inside(parse_json(text.decode())) is None


def _refuse_inside(value: Any) -> Fault | None:
    if isinstance(value, str):
        return refuse_text(value)
    if isinstance(value, RepeatedKey):
        return Fault("duplicate_key_in_object", f"the key {show(value.key)} stands twice")
    if isinstance(value, dict):
        children = [*value, *value.values()]
    elif isinstance(value, list):
        children = value
    else:
        return None
    return next(filter(None, map(_refuse_inside, children)), None)


def array_adapter(element: Adapter, element_type: str) -> Adapter:
    """Return the adapter of an array: a JSON array of elements; CSV also takes PostgreSQL's form.

    An array in several dimensions is an array of arrays of equal lengths. A bad element is
    reported by its own code, with its place.
    """

    def examine(value: Value, is_field: bool) -> Canonical | Fault:
        if is_field:
            value = _parse_field(str(value))
        if not isinstance(value, list):
            return Fault("bad_array", f"expected an array of {element_type}, got {show(value)}")
        nested = not element.verbatim
        if nested and not _is_rectangular(value):
            return Fault("bad_array", "the inner arrays are empty or differ in length")
        return _examine_elements(element, value, (), nested=nested, is_field=is_field)

    # Elements are swept only where a type alone does not tell a good one.
    if element.verbatim or element.screen or element.annotation in {msgspec.Raw, bytes}:
        annotation: Any = msgspec.Raw
    else:
        annotation = list[element.annotation | None]  # type: ignore[name-defined]
    return Adapter(
        examine=examine,
        annotation=annotation,
        screen=_refuse_all if annotation is msgspec.Raw else None,
        screen_fields=_refuse_all,
        schema={"type": "array", "items": element.schema},
        verbatim=element.verbatim,
    )


def hex_elements(adapter: Adapter) -> Adapter:
    r"""Return an adapter of bytea array elements, which PostgreSQL reads in its \x form only."""

    def examine(value: Value, is_field: bool) -> Canonical | Fault:
        examined = adapter.examine(value, is_field)
        if isinstance(examined, str):
            return "\\x" + base64.b64decode(examined).hex()
        return examined

    return Adapter(examine=examine, annotation=bytes, schema=adapter.schema)


def _refuse_all(values: Sequence[object]) -> bool:
    return not values


def _examine_elements(
    element: Adapter, value: list[Any], place: tuple[int, ...], *, nested: bool, is_field: bool
) -> list[Any] | Fault:
    examined: list[Any] = []
    for index, item in enumerate(value):
        here = (*place, index)
        if nested and isinstance(item, list):
            result: Any = _examine_elements(element, item, here, nested=True, is_field=is_field)
        elif item is None:
            result = None
        else:
            result = element.examine(item, is_field and not isinstance(item, bool | Number))
        if isinstance(result, Fault):
            return Fault(result.code, result.message, result.element or here)
        examined.append(result)
    return examined


def _is_rectangular(value: list[Any]) -> bool:
    inner = [item for item in value if isinstance(item, list)]
    if not inner:
        return True
    return (
        len(inner) == len(value)
        and len({len(item) for item in inner}) == 1
        and len(inner[0]) > 0
        and all(map(_is_rectangular, inner))
        and len({any(isinstance(deeper, list) for deeper in item) for item in inner}) == 1
    )


def _parse_field(text: str) -> Any:
    parse: Callable[[str], Any] = _parse_literal if text.lstrip().startswith("{") else parse_json
    try:
        return parse(text)
    except (ValueError, RecursionError):
        return text


def _parse_literal(text: str) -> list[Any]:
    """Parse PostgreSQL's array text, `{1,NULL,"a b"}`; raise ValueError for anything else."""
    stack: list[list[Any]] = [[]]
    position, expects_element = 0, True
    text = text.strip()
    while position < len(text):
        token = _literal.match(text, position)
        if token is None:
            raise ValueError("not an array")
        position = token.end()
        mark, quoted, bare = token.groups()
        if mark == "{" and expects_element:
            stack.append([])
        elif mark == "}" and len(stack) > 1 and (not expects_element or not stack[-1]):
            stack[-2].append(stack.pop())
            expects_element = False
        elif mark == "," and not expects_element and len(stack) > 1:
            expects_element = True
        elif mark is None and expects_element and len(stack) > 1:
            stack[-1].append(_literal_element(quoted, bare))
            expects_element = False
        else:
            raise ValueError("not an array")
    if len(stack) != 1 or len(stack[0]) != 1:
        raise ValueError("not an array")
    return list(stack[0][0])


def _literal_element(quoted: str | None, bare: str | None) -> str | None:
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
    return None if bare is not None and bare.upper() == "NULL" else bare
