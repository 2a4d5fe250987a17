"""CSV text, line by line, with formulas escaped for spreadsheets on request."""

from collections.abc import Iterable, Iterator, Sequence

# What makes a spreadsheet take a cell for a formula (OWASP's list).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_QUOTED = frozenset('",\r\n')


def csv_line(fields: Iterable[str | None], *, safe: bool = False, nulls: Sequence[str] = ()) -> str:
    """Return one record (RFC 4180): the empty string is `""`, null the first of `nulls` or nothing.

    A text that is one of `nulls` stands in quotes.
    With `safe` a field that a spreadsheet would run gets a `'` before it; a number does not.
    """
    if safe:
        fields = map(escape_formula, fields)
    null = nulls[0] if nulls else ""
    texts = (null if field is None else _write_text(field, nulls) for field in fields)
    return ",".join(texts) + "\r\n"


def escape_formula(field: str | None) -> str | None:
    """Return the field as a spreadsheet shows it without running it."""
    if field is None or not field.startswith(FORMULA_STARTS) or _is_number(field):
        return field
    return "'" + field


def csv_lines(
    header: Sequence[str],
    records: Iterable[Sequence[str | None]],
    *,
    safe: bool,
    nulls: Sequence[str] = (),
) -> Iterator[bytes]:
    """Yield the header, then each record."""
    yield csv_line(header, safe=safe).encode()
    for record in records:
        yield csv_line(record, safe=safe, nulls=nulls).encode()


def _write_text(text: str, nulls: Sequence[str]) -> str:
    is_plain = text and _QUOTED.isdisjoint(text) and text == text.strip() and text not in nulls
    return text if is_plain else '"' + text.replace('"', '""') + '"'


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
