"""An inspection in words, for people."""

from collections.abc import Iterator

from ingest.files.inspection import InspectedColumn, Inspection

_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blank"}
_QUOTES = {'"': "double quotes", "'": "apostrophes"}
_SHOWN_COLUMNS = 200


def describe(inspection: Inspection) -> str:
    """Return what a file is: a line for each thing that is known, then its columns."""
    return "\n".join([inspection.file, *(f"  {line}" for line in _describe(inspection))])


def _describe(inspection: Inspection) -> Iterator[str]:
    packed = f" in {inspection.compression}" if inspection.compression else ""
    yield f"format       {inspection.format}{packed}, {inspection.encoding}"
    if inspection.format == "csv":
        yield from _describe_csv(inspection)
    if inspection.records:
        yield f"records      {inspection.records}"
    rows = "unknown" if inspection.rows_estimate is None else f"{inspection.rows_estimate:,}"
    about = "" if inspection.is_whole else " (estimated from a sample)"
    yield f"rows         {rows}{about if inspection.rows_estimate is not None else ''}"
    yield f"key          {', '.join(inspection.key) if inspection.key else 'none found'}"
    yield f"columns      {len(inspection.columns)}"
    for column in inspection.columns[:_SHOWN_COLUMNS]:
        yield f"  {_describe_column(column)}"
    for question in inspection.questions:
        others = (
            f" ({', '.join(map(repr, question.alternatives))})" if question.alternatives else ""
        )
        yield f"uncertain    {question.about}: {question.question}{others}"
    for problem in inspection.problems:
        yield f"line {problem.line}: {problem.message} ({problem.code})"


def _describe_csv(inspection: Inspection) -> Iterator[str]:
    delimiter = inspection.delimiter
    named = "none" if delimiter is None else _NAMES.get(delimiter.strip() or delimiter, delimiter)
    blank = " and a blank" if delimiter and len(delimiter) > 1 else ""
    yield f"delimiter    {named}{blank}"
    if inspection.quote:
        escape = inspection.escape
        escaped = "" if not escape else f", escaped by {_QUOTES.get(escape, escape)}"
        yield f"quotes       {_QUOTES[inspection.quote]}{escaped}"
    if inspection.decimal:
        thousands = f", thousands {inspection.thousands}" if inspection.thousands else ""
        yield f"numbers      decimal mark {inspection.decimal}{thousands}"
    yield (
        f"lines        {inspection.preamble_lines} before the header, "
        f"{inspection.header_lines} of the header, {inspection.footer_lines} after the rows; "
        f"rows begin in line {inspection.first_line}"
    )


def _describe_column(column: InspectedColumn) -> str:
    parts = [column.evidence]
    if column.null_words:
        parts.append(f"null is {', '.join(column.null_words)}")
    if column.alternatives:
        parts.append(f"or {', '.join(column.alternatives)}")
    required = "" if column.nullable else " not null"
    return f"{column.name!r}: {column.type}{required} ({'; '.join(filter(None, parts))})"
