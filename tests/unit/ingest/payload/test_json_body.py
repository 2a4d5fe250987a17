"""What must hold of all the bytes of a body."""

import pytest

from ingest.errors import NumberTooLong
from ingest.payload.json_body import check_numbers


@pytest.mark.parametrize("max_digits", [20, 199, 200, 201, 1000])
def test_a_number_with_too_many_digits_is_found_wherever_it_stands(max_digits: int) -> None:
    for start in range(0, 2 * max_digits, 7):
        before = b"[" + b" " * start
        check_numbers(before + b"9" * max_digits + b"]", max_digits)
        with pytest.raises(NumberTooLong):
            check_numbers(before + b"9" * (max_digits + 1) + b"]", max_digits)


@pytest.mark.parametrize("max_digits", [20, 1000])
def test_the_digits_of_a_string_are_no_number(max_digits: int) -> None:
    check_numbers(b'["' + b"1" * 3 * max_digits + b'"]', max_digits)
