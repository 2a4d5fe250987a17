"""How a CSV file is read into a table: what its inspection says, and what is asked for."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from ingest.catalog.column_names import NameMatcher
from ingest.files.column_types import ENGLISH, GERMAN, ColumnType, infer_types
from ingest.files.csv_inspection import ReadSample, read_csv_sample
from ingest.files.dialect import DELIMITERS
from ingest.files.json_inspection import inspect_json, tell_json
from ingest.files.records import Dialect, RecordReader
from ingest.files.sample import Sample
from ingest.files.structure import Structure
from ingest.loaders.formats.columns import name_columns
from ingest.loaders.formats.dates import DateKind, date_converter
from ingest.loaders.formats.foreign_csv import CsvPlan
from ingest.loaders.formats.layouts import ReadOptions
from project.base.errors import RowhouseError

# Returns None for a word that means null.
ConvertField = Callable[[str], str | None]
Step = tuple[str, ConvertField]

_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_NUMBERS = frozenset({*_INTEGERS, "numeric", "real", "double precision"})
_TEXTS = frozenset({"text", "character varying", "character", "name", '"char"', "citext"})
_WORDS = {"yes": "true", "no": "false", "y": "true", "n": "false"}
_WHOLE = re.compile(r"\A([+-]?\d+)\.0+\Z")


class FileUncertain(RowhouseError):
    """The file can be read in more than one way; an option says which one is meant."""

    code = "file_uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """How one file is read; notes say for people what is done to it."""

    csv: CsvPlan | None = None  # None: the file is JSON
    encoding: str
    conversions: Mapping[int, ConvertField] = field(default_factory=dict)  # by place
    renamed: Mapping[str, str] = field(default_factory=dict)  # the column that a title means
    objects: frozenset[str] = frozenset()  # columns of text that objects are written into
    notes: Sequence[str] = ()


def plan_json(sample: Sample, options: ReadOptions, columns: Mapping[str, str]) -> FilePlan | None:
    """Return what is done to the rows of a JSON file, None where that is nothing.

    Objects are stored as their text where that is possible, system fields are left out.
    """
    format_name = tell_json(sample.head)
    if options.mapping or not format_name or not columns:
        return None
    known = NameMatcher(columns)
    inspected = inspect_json(sample, "", format_name).columns
    names = [each.name for each in inspected if each.is_object]
    found = [known.find(options.names.renamed.get(name, name)) for name in names]
    objects = frozenset(each[0] for each in found if len(each) == 1 and columns[each[0]] in _TEXTS)
    left_out = _find_system_fields([each.name for each in inspected], known, options)
    if not (objects or left_out):
        return None
    notes = [f"{name}: objects are stored as their JSON text" for name in sorted(objects)]
    notes += map(_note_rename, left_out, left_out.values())
    return FilePlan(encoding=sample.encoding, renamed=left_out, objects=objects, notes=notes)


def plan_csv(
    path: str, sample: Sample, options: ReadOptions, columns: Mapping[str, str]
) -> FilePlan:
    """Return how a file is to be read; `columns` are the table's, with their types.

    Without columns nothing is converted. Raises `FileUncertain` that names the option.
    """
    if sample.encodings:
        names = " or ".join((sample.encoding, *sample.encodings))
        raise FileUncertain(f"{path}: the text is not UTF-8: say --encoding {names}")
    usual = options.delimiter or ("\t" if ".tsv" in PurePath(path).suffixes else ",")
    is_named = _names_columns(sample, usual, columns)
    is_told = is_named or options.delimiter is not None
    read = read_csv_sample(sample, [usual] if is_told else DELIMITERS)
    csv = _plan_lines(path, read, options, columns, is_named=is_named)
    conversions: dict[int, ConvertField] = {}
    renamed = {} if options.mapping else _rename(csv, options, columns)
    if renamed:
        renames = options.names.renamed | renamed
        options = replace(options, names=replace(options.names, renamed=renames))
    ordered = options.names.ordered or options.mapping or not options.has_header
    notes = list(_note_lines(read, csv, usual, () if ordered else columns))
    notes += map(_note_rename, renamed, renamed.values())
    if columns and not options.mapping and read.rows:
        types = infer_types(read.rows)
        for place, name, type_name in _match(csv, options, columns):
            steps = _find_steps(path, name, type_name, types[place], options)
            if steps:
                conversions[place] = _chain([convert for _, convert in steps])
                notes.append(f"{name}: {', '.join(note for note, _ in steps)}")
    return FilePlan(
        csv=csv, encoding=sample.encoding, conversions=conversions, renamed=renamed, notes=notes
    )


def _names_columns(sample: Sample, delimiter: str, columns: Mapping[str, str]) -> bool:
    """Return whether the first record, read as usual, names columns of the table alone."""
    if not columns:
        return False
    reader = RecordReader(Dialect(delimiter, '"', '"'))
    records, _ = reader.read(sample.head.removeprefix("\ufeff"), is_last=sample.is_whole)
    if not records or records[0].problem:
        return False
    known = NameMatcher(columns)
    return all(known.find(reader.unquote(each)) for each in records[0].fields)


def _plan_lines(
    path: str,
    read: ReadSample,
    options: ReadOptions,
    columns: Mapping[str, str],
    *,
    is_named: bool,
) -> CsvPlan:
    """Return where header and rows are; as they stand unless the file is unlike a plain one."""
    structure = read.structure
    plain = CsvPlan(dialect=read.found.dialect, width=structure.width, first_line=1)
    if not options.has_header:
        return plain
    must_have = is_named or bool(options.mapping or options.names.renamed)
    if not structure.header_lines and structure.is_certain and not must_have:
        _check_width(path, structure.width, options, columns)
        return plain
    if not structure.header_lines or is_named:
        titles = [read.reader.unquote(each) for each in read.first.fields] if read.first else []
        return replace(plain, titles=titles, has_header=True)
    if not structure.is_aligned:
        return _plan_without_names(path, plain, structure, options)
    if structure.header_lines == 1 and list(structure.names) == list(structure.titles):
        return replace(
            plain, titles=structure.titles, first_line=structure.header_line, has_header=True
        )
    return replace(plain, titles=structure.names, first_line=structure.first_line)


def _plan_without_names(
    path: str, plain: CsvPlan, structure: Structure, options: ReadOptions
) -> CsvPlan:
    if options.names.ordered:
        return replace(plain, first_line=structure.first_line)
    raise FileUncertain(
        f"{path}: the header has not a name for each of {structure.width} fields: "
        "say with --columns which column each one is"
    )


def _check_width(path: str, width: int, options: ReadOptions, columns: Mapping[str, str]) -> None:
    if columns and not options.names.ordered and width != len(columns):
        raise FileUncertain(
            f"{path} has no header and {width} fields, the table {len(columns)} columns: "
            "say with --columns which column each field is"
        )


def _rename(csv: CsvPlan, options: ReadOptions, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of titles that no column has, but for signs that no name has.

    Those of system fields are empty: they are left out.
    """
    if options.names.ordered:
        return {}
    known = NameMatcher(columns)
    taken = {each for title in csv.titles for each in known.find(title)}
    bare = {_strip_signs(name): name for name in columns if name not in taken}
    named = {
        title: bare[_strip_signs(title)]
        for title in csv.titles
        if not known.find(title)
        and title not in options.names.renamed
        and _strip_signs(title) in bare
    }
    return _find_system_fields(csv.titles, known, options) | named


def _find_system_fields(
    names: Iterable[str], known: NameMatcher, options: ReadOptions
) -> dict[str, str]:
    """Return the system fields of a portal's export (SODA's `:id`) that no column has."""
    return {
        name: ""
        for name in names
        if name.startswith(":") and name not in options.names.renamed and not known.find(name)
    }


def _note_rename(title: str, column: str) -> str:
    if not column:
        return f"{title!r} is left out: a system field of the portal"
    return f"{title!r} is the column {column}"


def _strip_signs(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _match(
    csv: CsvPlan, options: ReadOptions, columns: Mapping[str, str]
) -> Iterator[tuple[int, str, str]]:
    """Yield the place of each field that a column of the table is made of, its name and type."""
    names: Sequence[str] = options.names.ordered or list(columns)
    if csv.titles:
        names = name_columns(csv.titles, options.names)
    known = NameMatcher(columns)
    for place, name in enumerate(names[: csv.width]):
        found = known.find(name) if name else []
        if len(found) == 1:
            yield place, found[0], columns[found[0]]


def _find_steps(
    path: str, column: str, type_name: str, found: ColumnType, options: ReadOptions
) -> list[Step]:
    """Return what is done to the values of a column of this type, with a note on each."""
    bare = re.sub(r"\(.*\)", "", type_name).strip()
    steps: list[Step] = []
    if bare in _TEXTS:
        return steps
    if found.has_blanks:
        steps.append(("blanks around values are left out", str.strip))
    if found.null_words:
        words = frozenset(found.null_words)
        steps.append((f"{', '.join(words)} is null", lambda text: None if text in words else text))
    if bare in _NUMBERS:
        steps += _number_steps(path, column, bare, found, options)
    elif bare == "boolean" and found.type == "boolean" and found.words & _WORDS.keys():
        steps.append(("yes is true, no is false", lambda text: _WORDS.get(text.lower(), text)))
    elif bare == "date" or bare.startswith("timestamp"):
        steps += _date_steps(
            path, column, "date" if bare == "date" else "timestamp", found, options
        )
    return steps


def _date_steps(
    path: str, column: str, kind: DateKind, found: ColumnType, options: ReadOptions
) -> list[Step]:
    if options.changes.dates:
        return []
    if found.question:
        usable = [repr(each) for each in found.alternatives if "%y" not in each]
        way = "only dates with all four digits of the year can be loaded"
        if usable:
            way = f"say --date-format {' or '.join(usable)}"
        raise FileUncertain(f"{path}, {column}: {found.question}: {way}")
    if not found.format:
        return []
    return [(f"dates are {found.format}", date_converter(found.format, kind))]


def _number_steps(
    path: str, column: str, type_name: str, found: ColumnType, options: ReadOptions
) -> list[Step]:
    decimal, thousands = found.decimal, found.thousands
    if options.decimal:
        decimal, thousands = options.decimal, "," if options.decimal == "." else "."
    elif found.question:
        raise FileUncertain(f"{path}, {column}: {found.question}: say --decimal . or --decimal ,")
    steps: list[Step] = []
    if decimal == "," or thousands:
        steps.append((f"the decimal mark is {decimal}", _mark_converter(decimal, thousands)))
    if type_name in _INTEGERS and found.type == "numeric" and decimal:
        steps.append(("5.0 is 5", lambda text: _WHOLE.sub(r"\1", text)))
    return steps


def _mark_converter(decimal: str | None, thousands: str | None) -> ConvertField:
    """Return what writes numbers of these marks with a decimal point; others stay as they are."""
    form = GERMAN if decimal == "," else ENGLISH

    def convert(text: str) -> str:
        if not form.fullmatch(text):
            return text
        return text.replace(thousands or "", "").replace(decimal or ".", ".")

    return convert


def _chain(steps: Sequence[ConvertField]) -> ConvertField:
    def convert(text: str) -> str | None:
        value: str | None = text
        for step in steps:
            value = None if value is None else step(value)
        return value

    return convert


def _note_lines(
    read: ReadSample, csv: CsvPlan, usual: str, columns: Collection[str]
) -> Iterator[str]:
    if csv.dialect.delimiter != usual and csv.width > 1:
        yield f"fields are divided by {csv.dialect.delimiter!r}"
    if csv.dialect.quote == "'":
        yield "fields stand in apostrophes"
    if csv.dialect.escape == "\\":
        yield "quotes are escaped by a backslash"
    first = csv.first_line - (0 if csv.has_header else read.structure.header_lines)
    if first > 1:
        yield f"{read.structure.preamble_lines} lines before the header are left out"
    if columns and not csv.titles:
        yield f"there is no header: the fields are {', '.join(columns)}"
    if csv.titles and not csv.has_header:
        yield f"the header has {read.structure.header_lines} lines"
    if read.structure.footer_lines:
        yield "rows without a value after the last one are left out"
