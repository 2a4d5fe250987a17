"""The compiled code is used only where it was built from the sources that are there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.validation.native import library
from ingest.validation.native.library import load_library, warn_without_library
from tests.native import build_library, copy_sources, swap_members


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Sources that may be changed; what is built from them is what Python looks for."""
    sources = copy_sources(tmp_path)
    monkeypatch.setattr(library, "LIBRARY", sources / "rows.so")
    load_library.cache_clear()
    yield sources
    load_library.cache_clear()


def read_warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.name) for record in caplog.records]


def test_a_library_of_the_same_sources_is_loaded(
    sources: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build_library(tmp_path)
    warn_without_library()
    assert load_library() is not None
    assert read_warnings(caplog) == []


def test_a_library_with_two_members_swapped_is_refused(sources: Path, tmp_path: Path) -> None:
    swap_members(sources / "batch.h")
    build_library(tmp_path)
    assert load_library() is None


def test_a_library_of_other_code_under_the_same_header_is_refused(
    sources: Path, tmp_path: Path
) -> None:
    with (sources / "numbers.c").open("a") as file:
        file.write("/* Another version. */\n")
    build_library(tmp_path)
    assert load_library() is None


@pytest.mark.parametrize(("content", "fault"), [(None, "missing"), ("no library", "stale")])
def test_the_start_says_once_that_there_is_none(
    sources: Path, caplog: pytest.LogCaptureFixture, content: str | None, fault: str
) -> None:
    if content is not None:
        library.LIBRARY.write_text(content)
    assert load_library() is None
    assert caplog.records == []
    warn_without_library()
    assert read_warnings(caplog) == [("WARNING", "rowhouse.ingest")]
    assert fault in caplog.text
