"""json, jsonb and arrays."""

import base64
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from ingest.payload.json_syntax import (
    Number,
    RepeatedKey,
    parse_json,
    split_array,
)
from ingest.payload.json_text import count_quotes, has_suspect_escape, is_deeper_than
from ingest.validation.values.adapter import Adapter, Canonical, Fault, Value, show
from ingest.validation.values.texts import refuse_text

# The tokens of PostgreSQL's own array text: braces, commas, quoted and bare elements.
_literal = re.compile(
    r'\s*(?:([{},])|"((?:[^"\\]++|\\.)*+)"|([^{},"\\\s]+(?:[^{},"\\]*[^{},"\\\s])?))'
)


def json_adapter(max_depth: int, *, required: bool) -> Adapter:
    """Return the adapter of json and jsonb: any JSON value; a CSV field holds its text.

    What is stored is the text as it was sent, so numbers keep their digits. In a required column
    the empty string is a missing value, which the check of the row is left to say.
    """

    def read_field(field: str) -> Value | Fault:
        text = field.encode("utf-8", "surrogatepass")
        if is_deeper_than(max_depth, text):
            return Fault("json_too_deep", f"nested deeper than {max_depth} levels")
        try:
            parsed = parse_json(text.decode())
        except ValueError:
            return Fault("bad_json", f"{show(field)} is not JSON")
        return _refuse_inside(parsed) or msgspec.Raw(text)

    def check_column(raws: Sequence[msgspec.Raw]) -> bool:
        texts = [bytes(raw) for raw in raws]
        return not (required and b'""' in texts) and all(
            _is_sound(text, max_depth) for text in texts
        )

    return Adapter(
        check=_refuse_inside,
        annotation=msgspec.Raw,
        check_column=check_column,
        read_field=read_field,
        copied_as="document",
        verbatim=True,
    )


def _is_sound(text: bytes, max_depth: int) -> bool:
    # A JSON column's value stands inside a row, inside the array of rows, inside the envelope.
    return not is_deeper_than(max_depth - 3, text) and (
        b"{" not in text or _has_only_plain_keys(text)
    )


def _has_only_plain_keys(text: bytes) -> bool:
    """Return whether no key certainly stands twice in an object, nor has what no text can hold.

    Of two equal keys one is kept: then what is written of it has fewer quotes.
    """
    if has_suspect_escape(text):
        return False
    try:
        return count_quotes(msgspec.json.encode(msgspec.json.decode(text))) == count_quotes(text)
    except (msgspec.DecodeError, RecursionError):
        return False


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

    def check(value: Value) -> Canonical | Fault:
        if not isinstance(value, list):
            return Fault("bad_array", f"expected an array of {element_type}, got {show(value)}")
        nested = not element.verbatim
        if nested and not _is_rectangular(value):
            return Fault("bad_array", "the inner arrays are empty or differ in length")
        return _check_elements(element, value, (), nested=nested)

    def read_field(field: str) -> Value | Fault:
        parsed = _parse_field(field, keeps_documents=element.verbatim)
        return _read_elements(element, parsed) if isinstance(parsed, list) else field

    # Elements are checked one by one only where a type alone does not tell a good one.
    if element.verbatim or element.check_column or element.annotation in {msgspec.Raw, bytes}:
        annotation: Any = msgspec.Raw
    else:
        annotation = list[element.annotation | None]  # type: ignore[name-defined]
    return Adapter(
        check=check,
        annotation=annotation,
        check_column=_refuse_all if annotation is msgspec.Raw else None,
        read_field=read_field,
        schema={"type": "array", "items": element.schema},
        verbatim=element.verbatim,
    )


def hex_elements(adapter: Adapter) -> Adapter:
    r"""Return an adapter of bytea array elements, which PostgreSQL reads in its \x form only."""

    def check(value: Value) -> Canonical | Fault:
        checked = adapter.check(value)
        if isinstance(checked, str):
            return "\\x" + base64.b64decode(checked).hex()
        return checked

    return Adapter(check=check, annotation=bytes, schema=adapter.schema)


def _refuse_all(values: Sequence[object]) -> bool:
    return not values


def _check_elements(
    element: Adapter, value: list[Any], place: tuple[int, ...], *, nested: bool
) -> list[Any] | Fault:
    checked: list[Any] = []
    for index, item in enumerate(value):
        here = (*place, index)
        if nested and isinstance(item, list):
            result: Any = _check_elements(element, item, here, nested=True)
        else:
            result = None if item is None else element.check(item)
        if isinstance(result, Fault):
            return Fault(result.code, result.message, result.element or here)
        checked.append(result)
    return checked


def _read_elements(
    element: Adapter, value: list[Any], place: tuple[int, ...] = ()
) -> list[Any] | Fault:
    """Return the elements of a CSV field with each text read as a field of the element's type."""
    read: list[Any] = []
    for index, item in enumerate(value):
        here = (*place, index)
        result: Any = item
        if isinstance(item, list):
            result = _read_elements(element, item, here)
        elif element.read_field and isinstance(item, str) and not isinstance(item, Number):
            result = element.read_field(item)
        if isinstance(result, Fault):
            return Fault(result.code, result.message, result.element or here)
        read.append(result)
    return read


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


def _parse_field(text: str, *, keeps_documents: bool) -> list[Any] | None:
    """Return the elements of a JSON array or of PostgreSQL's array text, None for anything else.

    With `keeps_documents` an element of JSON that is no string stays its text.
    """
    try:
        if text.lstrip().startswith("{"):
            return _parse_literal(text)
        parsed = parse_json(text)
        if not isinstance(parsed, list) or not keeps_documents:
            return parsed if isinstance(parsed, list) else None
        texts = split_array(text.lstrip())
    except (ValueError, RecursionError):
        return None
    return [
        value if each.startswith('"') else msgspec.Raw(each.encode())
        for value, each in zip(parsed, texts, strict=True)
    ]


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
