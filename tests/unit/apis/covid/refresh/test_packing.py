"""Pieces of text that make one gzip file."""

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from apis.covid.refresh.packing import Piece, combine_crcs, count_joined, join, pack

TEXTS = st.lists(st.binary(max_size=300), max_size=6)


@given(TEXTS, st.sampled_from([1, 6, 9]))
def test_joined_pieces_are_a_gzip_file_of_all_the_text(texts: list[bytes], level: int) -> None:
    pieces = [pack(text, level) for text in texts]
    joined = b"".join(join(pieces))
    assert gzip.decompress(joined) == b"".join(texts)
    assert len(joined) == count_joined(pieces)
    assert [piece.unpack() for piece in pieces] == texts


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_the_crc_of_two_texts_follows_from_theirs(first: bytes, second: bytes) -> None:
    combined = combine_crcs(zlib.crc32(first), zlib.crc32(second), len(second))
    assert combined == zlib.crc32(first + second)


def test_the_crc_is_right_for_long_texts_too() -> None:
    second = b"ab" * (2**20 + 7)
    assert combine_crcs(zlib.crc32(b"x"), zlib.crc32(second), len(second)) == zlib.crc32(
        b"x" + second
    )


def test_the_same_piece_may_come_many_times() -> None:
    piece = pack(b'{"state":"CA"},' * 20)
    assert gzip.decompress(b"".join(join([piece] * 50))) == b'{"state":"CA"},' * 1000


def test_nothing_is_an_empty_file() -> None:
    assert gzip.decompress(b"".join(join([]))) == b""
    assert gzip.decompress(b"".join(join([Piece(pack(b"").deflated, 0, 0)]))) == b""
