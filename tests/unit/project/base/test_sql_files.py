"""SQL files as statements."""

from pathlib import Path

from project.base.sql_files import read_statements


def test_a_file_is_read_statement_by_statement(tmp_path: Path) -> None:
    file = tmp_path / "three.sql"
    file.write_text("-- one\nSELECT 1;\n\nDO $$\nBEGIN\n  PERFORM 2;\nEND\n$$;\nSELECT\n  3;\n")
    first, second, third = read_statements(file)
    assert first == "-- one\nSELECT 1;"
    assert second.strip() == "DO $$\nBEGIN\n  PERFORM 2;\nEND\n$$;"
    assert third == "SELECT\n  3;"
