"""Avro containers and codecs, written by us and read by us and others."""

import bz2
import io
import lzma
from collections.abc import Callable

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.avro.codecs import pack, unpack
from backups.avro.container import ContainerReader, encode_block, encode_header, encode_long
from backups.avro.records import Cursor
from backups.errors import FileRefused

SYNC = bytes(range(16))
SCHEMA = {"type": "record", "name": "row", "fields": [{"name": "n", "type": "long"}]}
CODECS = ["snappy", "deflate", "zstandard", "null"]


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_long_is_read_as_it_was_written(number: int) -> None:
    assert Cursor(encode_long(number)).read_long() == number


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=5000))
def test_a_codec_undoes_what_it_did(codec: str, data: bytes) -> None:
    assert unpack(codec, bytes(pack(codec, data)), len(data)) == data


@pytest.mark.parametrize("codec", [*CODECS, "bzip2", "xz"])
def test_nothing_is_unpacked_beyond_its_limit(codec: str) -> None:
    others: dict[str, Callable[[bytes], bytes]] = {"bzip2": bz2.compress, "xz": lzma.compress}
    data = bytes(100_000)
    packed = others[codec](data) if codec in others else bytes(pack(codec, data))
    assert unpack(codec, packed, len(data)) == data
    with pytest.raises(FileRefused, match="more than 99999 bytes"):
        unpack(codec, packed, len(data) - 1)


@pytest.mark.parametrize("codec", CODECS)
def test_fastavro_reads_what_we_write(codec: str) -> None:
    block = encode_block(2, pack(codec, b"\x02\x04"), SYNC)
    file = io.BytesIO(encode_header(msgspec.json.encode(SCHEMA), codec, SYNC) + block)
    assert list(fastavro.reader(file)) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("codec", CODECS)
def test_we_read_what_fastavro_writes(codec: str) -> None:
    file = io.BytesIO()
    fastavro.writer(file, SCHEMA, [{"n": n} for n in range(5000)], codec=codec, sync_interval=900)
    file.seek(0)
    reader = ContainerReader(file, len(file.getvalue()))
    assert reader.header.codec == codec
    assert sum(block.count for block in reader.blocks()) == 5000
