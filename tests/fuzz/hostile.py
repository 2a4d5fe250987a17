"""Names and values made to break out of statements, each with a mark that tells where it got to."""

import re
from collections.abc import Iterator

MARK = re.compile(r"h\d{5}q")

_SHAPES = (
    "{}",
    "{}'",
    '{}"',
    "'{}",
    '"{}"',
    "{}''",
    "{}\\",
    "{}\\'",
    "{}'; DROP TABLE hiring.jobs; --",
    '{}"; DROP TABLE hiring.jobs; --',
    "{}' OR '1'='1",
    "{}') OR 1=1 --",
    '{}" OR ""="',
    "1) UNION SELECT rolpassword FROM pg_authid -- {}",
    "(SELECT hashed_key FROM service.api_key) {}",
    "{}, (SELECT 1)",
    "{} DESC NULLS FIRST; SELECT pg_sleep(9)",
    "-{}",
    "{}::text",
    "{}::regclass",
    "$1 {}",
    "$${}$$",
    "$a${}$a$",
    "%s {}",
    "%({})s",
    "%% {} %",
    "{{{}}}",
    "{{0}} {}",
    "{}/*",
    "*/{}",
    "-- {}",
    "{};",
    "{}\n--",
    "{}\r\n;",
    "{}\t",
    'U&"\\0061{}"',
    "E'\\x27{}'",
    "{}\u2019\u201d\uff02\uff07\u02bc",
    "\u202e{}\u200b",
    "{}\U0001f600\u0301",
    "../../{}",
    "..%2f{}",
    "hiring.{}",
    'hiring."{}"',
    "hiring.jobs.{}",
    'jobs" {}',
    "service.{}",
    "pg_catalog.{}",
    "job_id__{}",
    "{}__eq",
    "job_name,{}",
    "{}=1",
    "[{}]",
    "null {}",
    "current_user {}",
    "xp_{}()",
    "{}" + "x" * 70,
    "\u00fc" * 31 + "{}",
    "CAST({} AS int)",
    "{}' || (SELECT 'x') || '",
)


class Hostiles:
    """A supply of them, each another one; `used` says how many were taken."""

    def __init__(self) -> None:
        self.used = 0

    def take(self) -> str:
        """Return the next one."""
        shape = _SHAPES[self.used % len(_SHAPES)]
        self.used += 1
        return shape.format(f"h{self.used:05d}q")

    def take_many(self, count: int) -> list[str]:
        """Return the next ones."""
        return [self.take() for _ in range(count)]


# A statement's text, piece by piece: literals, names in quotes, comments, everything else.
_PIECES = re.compile(
    r"""(?P<literal>[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<name>"(?:[^"]|"")*")
    | (?P<comment>--[^\n]* | /\*.*?\*/)
    | (?P<bare>.)""",
    re.VERBOSE | re.DOTALL,
)


def read_statement(text: str) -> tuple[str, set[str]]:
    """Return a statement without its literals and quoted names, and those names."""
    bare: list[str] = []
    names: set[str] = set()
    for piece in _PIECES.finditer(text):
        if piece["name"]:
            names.add(piece["name"][1:-1].replace('""', '"'))
        elif not piece["literal"]:
            bare.append(piece[0])
    return "".join(bare), names


_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:.]+ UTC \[\d+\] (\w+):  (?:statement|execute [^:]*): (.*)")
_START = re.compile(r"\d{4}-\d\d-\d\d [\d:.]+ UTC \[\d+\] ")


def read_statements(log: str) -> Iterator[str]:
    """Yield the statements of a server's log; a line that goes on begins with a tab."""
    statement: list[str] | None = None
    for line in log.split("\n"):
        if _START.match(line):
            if statement is not None:
                yield "\n".join(statement)
            found = _LINE.match(line)
            statement = [found[2]] if found else None
        elif statement is not None:
            statement.append(line.removeprefix("\t"))
    if statement is not None:
        yield "\n".join(statement)
