"""The progress bar where stderr is no terminal."""

import pytest

from project.base.progress import load_progress, row_progress


def test_only_waits_are_printed_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with load_progress(10, is_quiet=False) as bar:
        bar.advance(5, rows=3, rejected=1)
        bar.show_wait("no answer [b]", 0.25)
        bar.show_wait("no answer", 0.5)
    with row_progress("backup") as bar:
        bar.expect(3)
        bar.advance(3)
    assert capsys.readouterr() == ("", "no answer [b]; trying again in 0.2 s\n")


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with load_progress(None, is_quiet=True) as bar:
        bar.show_wait("no answer", 0.25)
    assert capsys.readouterr() == ("", "")
