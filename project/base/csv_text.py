"""CSV text, line by line, with formulas escaped for spreadsheets on request."""

from collections.abc import Iterable, Iterator, Sequence

# What makes a spreadsheet take a cell for a formula (OWASP's list).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_QUOTED = frozenset('",\r\n')


def csv_line(fields: Iterable[str | None], *, safe: bool = False) -> str:
    """Return one record (RFC 4180): null is an empty field, the empty string is `""`.

    With `safe` a field that a spreadsheet would run gets a `'` before it; a number does not.
    """
    if safe:
        fields = map(escape_formula, fields)
    return ",".join(map(_write_field, fields)) + "\r\n"


def escape_formula(field: str | None) -> str | None:
    """Return the field as a spreadsheet shows it without running it."""
    if field is None or not field.startswith(FORMULA_STARTS) or _is_number(field):
        return field
    return "'" + field


def csv_lines(
    header: Sequence[str], records: Iterable[Sequence[str | None]], *, safe: bool
) -> Iterator[bytes]:
    """Yield the header, then each record."""
    yield csv_line(header, safe=safe).encode()
    for record in records:
        yield csv_line(record, safe=safe).encode()


def _write_field(field: str | None) -> str:
    if field is None:
        return ""
    if not field or not _QUOTED.isdisjoint(field) or field != field.strip():
        return '"' + field.replace('"', '""') + '"'
    return field


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
