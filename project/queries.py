"""SQL kept in `.sql` files."""

from functools import cache
from pathlib import Path
from typing import LiteralString


@cache
def read_sql(path: Path) -> LiteralString:
    """Return a statement from its file; files are part of the program, so their text is trusted."""
    return path.read_text(encoding="utf-8")
