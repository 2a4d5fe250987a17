"""Which tables are meant."""

from dataclasses import dataclass

import pytest

from backups.avro.schema import avro_names
from backups.errors import BackupError
from backups.store.folder import MAX_STEM, file_name
from backups.store.selection import choose_tables, is_included


@dataclass(frozen=True)
class Table:
    full_name: str


JOBS, OTHER_JOBS, DOTTED = Table("hiring.jobs"), Table("nyc311.jobs"), Table("hiring.a.b")


def test_a_name_may_be_qualified_or_not() -> None:
    assert choose_tables([JOBS, DOTTED], ["jobs"]) == [JOBS]
    assert choose_tables([JOBS, OTHER_JOBS], ["nyc311.jobs"]) == [OTHER_JOBS]
    assert choose_tables([JOBS, DOTTED], ["a.b", "hiring.a.b"]) == [DOTTED]


def test_no_name_means_every_table() -> None:
    assert choose_tables([JOBS, DOTTED], []) == [JOBS, DOTTED]


@pytest.mark.parametrize("name", ["jobs", "nothing", "../jobs", ""])
def test_refuses_a_name_that_means_no_table_or_two(name: str) -> None:
    with pytest.raises(BackupError):
        choose_tables([JOBS, OTHER_JOBS], [name])


def test_what_is_excluded_is_not_included() -> None:
    assert is_included("hiring.jobs", include=["hiring.*"], exclude=[])
    assert not is_included("hiring.jobs", include=["*"], exclude=["hiring.j*"])
    assert not is_included("hiring.jobs", include=["nyc311.*"], exclude=[])


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "\n", "Größe", "ä" * 31])
def test_a_file_name_stays_in_its_folder(name: str) -> None:
    made = file_name("hiring", name)
    assert made.startswith("hiring.")
    assert "/" not in made
    assert made.isascii()
    assert len(made) < MAX_STEM + 30


def test_different_tables_have_different_files() -> None:
    names = ["a.b", "a%2Eb", "a b", "a_b", "ä" * 31, "ä" * 30 + "ö"]
    assert len({file_name("s", name) for name in names}) == len(names)


def test_names_that_avro_allows_stay_as_they_are() -> None:
    assert avro_names(["a b", "a_b", "1", "_1", "ok"]) == ["a_b_2", "a_b", "_1_2", "_1", "ok"]
