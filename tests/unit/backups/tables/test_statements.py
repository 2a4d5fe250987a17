"""Where a statement of pg_dump ends."""

import pytest

from backups.tables.statements import split_statements

STATEMENTS = [
    "CREATE SCHEMA a",
    "COMMENT ON SCHEMA a IS 'it''s; -- no comment'",
    "COMMENT ON SCHEMA a IS E'a\\\\b\\'; c'",
    'CREATE TABLE a."x;""y" (\n    n integer DEFAULT 1 -- what pg_dump never writes; here\n)',
    "CREATE FUNCTION a.f() RETURNS void LANGUAGE plpgsql AS $_$ BEGIN x := $$a;b$$; END; $_$",
    "CREATE FUNCTION a.g(integer) RETURNS integer LANGUAGE sql\n    BEGIN ATOMIC\n"
    " SELECT CASE WHEN ($1 > 0) THEN CASE $1 WHEN 1 THEN 2 END ELSE 0 END;\n SELECT 2;\nEND",
    "GRANT SELECT ON TABLE a.legend TO b",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_ends_at_its_own_semicolon(statement: str) -> None:
    text = (
        f"\\restrict x;y\n\n-- Name: a; Type: b\n{statement};\n\n/* one; */ SELECT 1;\n\\unrestrict"
    )
    assert list(split_statements(text)) == [statement, "SELECT 1"]
