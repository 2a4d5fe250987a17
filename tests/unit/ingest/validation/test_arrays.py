"""Arrays: many elements are checked at once, the doubtful ones one by one."""

import pytest

from ingest.payload.json_syntax import parse_json
from ingest.validation.values.adapter import Canonical, Fault
from ingest.validation.values.numbers import integer_adapter
from ingest.validation.values.structures import array_adapter
from ingest.validation.values.texts import text_adapter

INTEGERS = array_adapter(integer_adapter("int4"), "integer")
TEXTS = array_adapter(text_adapter(None, required=False), "text")
# More than are checked at once.
MANY = 2500


def check(text: str) -> Canonical | Fault:
    return INTEGERS.check(parse_json(text))


def test_elements_are_returned_in_their_order_and_dimensions() -> None:
    # A string of ten digits is doubtful; the rest are certain.
    numbers = [*map(str, range(MANY)), '"2147483647"', "null"]
    checked = check(f"[{','.join(f'[{number},7]' for number in numbers)}]")
    assert checked == [[number.strip('"'), "7"] for number in numbers[:-1]] + [[None, "7"]]


@pytest.mark.parametrize("place", [0, 999, 1000, MANY])
def test_the_first_bad_element_is_told_with_its_place(place: int) -> None:
    numbers = ["1"] * (2 * MANY)
    numbers[place] = numbers[-1] = '"x"'
    flat = check(f"[{','.join(numbers)}]")
    assert isinstance(flat, Fault)
    assert (flat.code, flat.element) == ("not_integer", (place,))
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    nested = check(f"[{','.join(f'[[{a}],[{b}]]' for a, b in pairs)}]")
    assert isinstance(nested, Fault)
    assert nested.element == (place // 2, place % 2, 0)


@pytest.mark.parametrize(
    ("element", "code"),
    [('"\\u0000"', "nul_character"), ('"\\ud800"', "bad_unicode"), ("1", "type_mismatch")],
)
def test_what_a_type_alone_does_not_tell_is_seen_among_many(element: str, code: str) -> None:
    fault = TEXTS.check(parse_json(f'[{MANY * """"a","""}{element}]'))
    assert isinstance(fault, Fault)
    assert (fault.code, fault.element) == (code, (MANY,))


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("{a,NULL,b c,null}", ["a", None, "b c", None]),
        ('{a,b,"NULL",c}', ["a", "b", "NULL", "c"]),
        ("{a,b,}", None),
        ("{a,b", None),
        ("a,b,", None),
        ("{{a,b},{c,d}}", [["a", "b"], ["c", "d"]]),
    ],
)
def test_array_text_is_read_as_postgresql_reads_it(
    text: str, elements: list[object] | None
) -> None:
    assert TEXTS.read_field is not None
    read = TEXTS.read_field(text)
    assert (TEXTS.check(read) if isinstance(read, list) else None) == elements
