"""Points in time and the ids of batches."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from project.base.errors import BadParameter
from project.base.moments import highest_id, lowest_id, parse_moment

STEP = timedelta(seconds=1)

# The fixed bits of a UUID of version 7 (RFC 9562, section 5.7).
VERSION_7 = 7 << 76 | 0b10 << 62


@given(st.integers(0, 4_000_000_000_000))
def test_the_ids_of_a_moment_lie_between_its_bounds(milliseconds: int) -> None:
    batch = UUID(int=milliseconds << 80 | VERSION_7)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert lowest_id(moment) <= batch <= highest_id(moment)
    assert highest_id(moment - timedelta(seconds=2)) < batch < lowest_id(moment + 3 * STEP)


def test_the_id_of_a_batch_lies_within_the_moment_it_is_made() -> None:
    now = datetime.now(UTC)
    assert lowest_id(now) <= uuid7() <= highest_id(now)


@pytest.mark.parametrize("text", ["2021-07-27", "2021-07-27T16:02:08", "now", ""])
def test_a_moment_has_an_offset(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_moment(text, parameter="since")


def test_offsets_are_understood() -> None:
    moment = parse_moment("2021-07-27T18:02:08+02:00", parameter="since")
    assert moment == datetime(2021, 7, 27, 16, 2, 8, tzinfo=UTC)


def test_an_offset_that_postgresql_does_not_know_is_undone() -> None:
    moment = parse_moment("0282-05-31T08:26:51-22:01", parameter="since")
    assert moment.isoformat() == "0282-06-01T06:27:51+00:00"
    with pytest.raises(BadParameter):
        parse_moment("0001-01-01T00:00:00+12:00", parameter="since")
