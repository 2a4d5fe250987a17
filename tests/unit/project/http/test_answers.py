"""Streamed answers in pieces."""

from hypothesis import given
from hypothesis import strategies as st

from project.http.answers import PIECE_BYTES, in_pieces


@given(st.lists(st.binary(min_size=1, max_size=PIECE_BYTES // 3), max_size=20))
def test_pieces_hold_every_byte_and_are_few(lines: list[bytes]) -> None:
    pieces = list(in_pieces(lines))
    assert b"".join(pieces) == b"".join(lines)
    assert all(len(piece) >= PIECE_BYTES for piece in pieces[:-1])


def test_no_lines_are_no_pieces() -> None:
    assert list(in_pieces([])) == []
