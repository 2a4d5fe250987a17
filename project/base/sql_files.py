"""SQL kept in `.sql` files."""

from functools import cache
from pathlib import Path
from typing import LiteralString


@cache
def read_sql(path: Path) -> LiteralString:
    """Return a statement from its file; files are part of the program, so their text is trusted."""
    return path.read_text(encoding="utf-8")


@cache
def read_statements(path: Path) -> tuple[LiteralString, ...]:
    """Return a file's statements one by one, as a Citus cluster wants them.

    A statement ends with a semicolon at the end of a line outside $$ … $$.
    """
    statements: list[LiteralString] = []
    lines: list[LiteralString] = []
    in_body = False
    for line in read_sql(path).splitlines():
        lines.append(line)
        in_body ^= line.count("$$") % 2 == 1
        if line.endswith(";") and not in_body:
            statements.append("\n".join(lines))
            lines = []
    return tuple(statements)
