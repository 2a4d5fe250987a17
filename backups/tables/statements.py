"""The statements of a file that pg_dump wrote, one by one."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<between> --[^\n]* | /\*.*?\*/ | ^\\[^\n]*$ )
    | (?P<quoted> \bE'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
        | \$(?P<tag>[A-Za-z_]\w*)?\$ .*? \$(?(tag)(?P=tag))\$ )
    | (?P<opens> \bBEGIN\s+ATOMIC\b | \bCASE\b )
    | (?P<closes> \bEND\b )
    | (?P<ends> ; )
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_BODY = re.compile(r"BEGIN\s")


def split_statements(text: str) -> Iterator[str]:
    """Yield the statements without their semicolons; comments and psql's commands are left out.

    A semicolon in a string, a quoted name or the body of an SQL function ends nothing.
    """
    start = depth = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "between" and not text[start : token.start()].strip():
            start = token.end()
        elif kind == "opens" and (depth or _BODY.match(token[0])):
            depth += 1
        elif kind == "closes" and depth:
            depth -= 1
        elif kind == "ends" and not depth:
            yield text[start : token.start()].strip()
            start = token.end()
