"""`manage.py inspect`."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def test_says_what_files_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,day\n1,25/12/2021\n2,01/02/2022\n")
    call_command("inspect", str(path))
    assert "'day': date not null (every value fits %d/%m/%Y)" in capsys.readouterr().out
    call_command("inspect", "--json", str(path), str(path))
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second
    assert first["columns"][1]["format"] == "%d/%m/%Y"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.csv"):
        call_command("inspect", str(tmp_path / "nowhere.csv"))
