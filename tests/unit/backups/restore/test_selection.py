"""Which rows the options of the command name."""

from pathlib import Path

import pytest

from backups.errors import SelectionInvalid
from backups.restore.selection import read_conditions, read_keys


def test_a_condition_is_a_column_and_its_value() -> None:
    texts = ["note=a=b ", "empty=", r"nothing=\N", r"word=\n"]
    assert read_conditions(texts) == {"note": "a=b ", "empty": "", "nothing": None, "word": r"\n"}


@pytest.mark.parametrize("texts", [["note"], ["note=1", "note=2"], [""]])
def test_conditions_that_cannot_be_meant_are_refused(texts: list[str]) -> None:
    with pytest.raises(SelectionInvalid):
        read_conditions(texts)


def test_keys_are_a_list_or_a_file_with_a_header(tmp_path: Path) -> None:
    assert read_keys('17,"a,b", c') == ["17", "a,b", " c"]
    assert read_keys("") == []
    file = tmp_path / "17"
    file.write_text("\ufeffid,note\r\n17,\r\n18,x\r\n")
    assert read_keys(str(file)) == [{"id": "17", "note": ""}, {"id": "18", "note": "x"}]


@pytest.mark.parametrize("content", [b"id,n\n1\n", b"id\n1,2\n", b'id\n"1', b"id\n\xff\n"])
def test_a_file_of_keys_that_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.csv"
    file.write_bytes(content)
    with pytest.raises(SelectionInvalid):
        read_keys(str(file))
    with pytest.raises(SelectionInvalid):
        read_keys(str(tmp_path))
