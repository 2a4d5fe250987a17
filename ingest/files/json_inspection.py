"""JSON and lines of JSON inspected: where the rows are, and the columns that they make."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ingest.files.column_types import ColumnType, infer_type
from ingest.files.inspection import InspectedColumn, Inspection, LineProblem, find_key
from ingest.files.sample import Sample

_SHOWN_EXAMPLES = 3
_SHOWN_CHARACTERS = 60
_SHOWN_PROBLEMS = 20
# Rows deeper in a document than this are not looked for.
_MOST_NAMES = 3
# Ends of rows that are tried as the last one of a document that was cut.
_TRIES = 50

Row = Mapping[str, msgspec.Raw]

_decode_row = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def tell_json(text: str) -> str | None:
    """Return whether a text is `json` or `ndjson`, None where it is neither."""
    text = text.lstrip("\ufeff \t\r\n")
    if not text.startswith(("{", "[")):
        return None
    first, _, rest = text.partition("\n")
    if first.startswith("{") and _is_row(first) and rest.lstrip()[:1] in {"{", ""}:
        return "ndjson" if rest.strip() else "json"
    return "json" if text[1:].lstrip()[:1] in {"{", "[", '"', "]", "}"} else None


def inspect_json(sample: Sample, name: str, format_name: str) -> Inspection:
    """Return what a sample of JSON says about its file."""
    problems: list[LineProblem] = []
    path: str | None = None
    rows: Sequence[Row]
    if format_name == "ndjson":
        rows = list(_read_lines(sample, problems))
    else:
        path, rows = _find_rows(sample)
    columns = list(_describe_columns(rows))
    return Inspection(
        file=name,
        format=format_name,
        compression=sample.compression,
        encoding=sample.encoding,
        records=path,
        columns=columns,
        key=find_key(columns, [[_text(row.get(c.name)) for c in columns] for row in rows]),
        rows_estimate=len(rows) if sample.is_whole else None,
        is_whole=sample.is_whole,
        problems=problems[:_SHOWN_PROBLEMS],
    )


def _is_row(line: str) -> bool:
    try:
        _decode_row(line)
    except msgspec.DecodeError:
        return False
    return True


def _read_lines(sample: Sample, problems: list[LineProblem]) -> Iterator[Row]:
    lines = sample.head.removeprefix("\ufeff").split("\n")
    for number, line in enumerate(lines if sample.is_whole else lines[:-1], 1):
        if not line.strip():
            continue
        try:
            yield _decode_row(line)
        except msgspec.DecodeError as error:
            problems.append(LineProblem(number, "json_syntax", str(error)))


def _find_rows(sample: Sample) -> tuple[str | None, Sequence[Row]]:
    """Return the names that lead to the rows, "" for none, and the rows."""
    text = sample.head.removeprefix("\ufeff")
    if sample.is_whole:
        return _search(msgspec.Raw(text.encode()), ())
    if not text.lstrip().startswith("["):
        return None, ()
    end = len(text)
    for _ in range(_TRIES):
        end = text.rfind("}", 0, end)
        if end < 0:
            break
        try:
            return "", _decode_rows(text[: end + 1] + "]")
        except msgspec.DecodeError:
            continue
    return None, ()


def _search(document: msgspec.Raw, names: tuple[str, ...]) -> tuple[str | None, Sequence[Row]]:
    try:
        return ".".join(names), _decode_rows(document)
    except msgspec.DecodeError:
        pass
    try:
        members = _decode_row(document) if len(names) < _MOST_NAMES else {}
    except msgspec.DecodeError:
        return None, ()
    found = (_search(value, (*names, name)) for name, value in members.items())
    return max(found, key=lambda each: len(each[1]), default=(None, ()))


def _describe_columns(rows: Sequence[Row]) -> Iterator[InspectedColumn]:
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [_text(row.get(name)) for row in rows]
        found = _infer([row[name] for row in rows if name in row], values)
        examples = [value for value in dict.fromkeys(values) if value][:_SHOWN_EXAMPLES]
        yield InspectedColumn(
            name=name,
            type=found.type,
            nullable=not all(values),
            format=found.format,
            null_words=found.null_words,
            examples=[value[:_SHOWN_CHARACTERS] for value in examples],
            evidence=found.evidence,
            alternatives=found.alternatives,
        )


def _infer(given: Sequence[msgspec.Raw], values: Sequence[str]) -> ColumnType:
    kinds = {bytes(value)[:1] for value in given if bytes(value) != b"null"}
    if kinds & {b"{", b"["}:
        return ColumnType(type="jsonb", evidence="objects or arrays")
    return infer_type(values)


def _text(value: msgspec.Raw | None) -> str:
    """Return a value as text, numbers digit for digit."""
    text = "null" if value is None else bytes(value).decode()
    if text.startswith('"'):
        return str(msgspec.json.decode(text))
    return "" if text == "null" else text
