"""json, jsonb and arrays."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import msgspec

from ingest.payload.json_syntax import (
    Number,
    RepeatedKey,
    parse_json,
    split_array,
    write_json,
)
from ingest.payload.json_text import count_quotes, has_suspect_escape, is_deeper_than
from ingest.validation.values.adapter import Adapter, Canonical, Fault, Value, show
from ingest.validation.values.texts import refuse_text

# How many elements of an array are checked at once.
_AT_ONCE = 1000

_SeveralGood = Callable[[Sequence[Any]], bool]

# The tokens of PostgreSQL's own array text: bare elements with a comma behind each, braces and
# commas, a quoted element, a bare one.
_literal = re.compile(
    r'\s*(?:((?:[^{},"\\\s]++,)++)|([{},])|"((?:[^"\\]++|\\.)*+)"'
    r'|([^{},"\\\s]+(?:[^{},"\\]*[^{},"\\\s])?))'
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
        array = _Array.of(value, nested=not element.verbatim)
        if array is None:
            return Fault("bad_array", "the inner arrays are empty or differ in length")
        return array.check(element, are_good)

    def read_field(field: str) -> Value | Fault:
        parsed = _parse_field(field, keeps_documents=element.verbatim)
        if not isinstance(parsed, list):
            return field
        return _read_elements(element, parsed) if element.read_field else parsed

    are_good = _several_at_once(element)
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


@dataclass(frozen=True, slots=True)
class _Array:
    """The elements of an array, one after the other, and how many there are in each dimension."""

    elements: list[Any]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, value: list[Any], *, nested: bool) -> "_Array | None":
        """Return an array, of arrays of equal lengths where it is `nested`; None where it is none.

        Without `nested` an array inside is an element.
        """
        lengths = [len(value)]
        while nested and list in (types := set(map(type, value))):
            if len(types) > 1 or len(set(map(len, value))) > 1 or not value[0]:
                return None
            lengths.append(len(value[0]))
            value = [*chain.from_iterable(value)]
        return cls(value, tuple(lengths))

    def check(self, element: Adapter, are_good: _SeveralGood) -> list[Any] | Fault:
        """Return the array with its elements in canonical form, or the first one's fault."""
        exact: dict[int, Canonical] = {}
        for start in range(0, len(self.elements), _AT_ONCE):
            several = self.elements[start : start + _AT_ONCE]
            if are_good(several):
                continue
            for place, item in enumerate(several, start):
                result = None if item is None else element.check(item)
                if isinstance(result, Fault):
                    return replace(result, element=self._place(place))
                exact[place] = result
        checked = [str(each) if isinstance(each, Number) else each for each in self.elements]
        for place, canonical in exact.items():
            checked[place] = canonical
        for length in self.lengths[:0:-1]:
            checked = [checked[at : at + length] for at in range(0, len(checked), length)]
        return checked

    def _place(self, number: int) -> tuple[int, ...]:
        """Return the place of an element in each dimension."""
        place: list[int] = []
        for length in self.lengths[:0:-1]:
            number, inner = divmod(number, length)
            place.append(inner)
        return (number, *reversed(place))


def _several_at_once(element: Adapter) -> _SeveralGood:
    """Return what tells whether all of several elements are certainly good as they are.

    To check them one by one takes ten times as long.
    """
    if element.verbatim or element.annotation is bytes:
        return lambda several: False
    decode = msgspec.json.Decoder(list[element.annotation | None]).decode  # type: ignore[name-defined]
    check_column = element.check_column

    def are_good(several: Sequence[Any]) -> bool:
        text = write_json(list(several))
        try:
            values = decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return False
        if "\\u0000" in text:
            return False
        return check_column is None or check_column([each for each in values if each is not None])

    return are_good


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
        several, mark, quoted, bare = token.groups()
        if several and expects_element and len(stack) > 1:
            stack[-1] += map(_read_bare, several[:-1].split(","))
        elif mark == "{" and expects_element:
            stack.append([])
        elif mark == "}" and len(stack) > 1 and (not expects_element or not stack[-1]):
            stack[-2].append(stack.pop())
            expects_element = False
        elif mark == "," and not expects_element and len(stack) > 1:
            expects_element = True
        elif not (several or mark) and expects_element and len(stack) > 1:
            stack[-1].append(_read_bare(bare) if quoted is None else _unescape(quoted))
            expects_element = False
        else:
            raise ValueError("not an array")
    if len(stack) != 1 or len(stack[0]) != 1:
        raise ValueError("not an array")
    return list(stack[0][0])


def _read_bare(element: str) -> str | None:
    return None if element.upper() == "NULL" else element


def _unescape(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
