"""One row checked by itself: everything that is wrong with it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from ingest.catalog.definitions import Table
from ingest.errors import JsonSyntax, TooDeep
from ingest.outcome import SHOWN_CHARACTERS, RowError, describe_missing
from ingest.payload.json_syntax import Number, RepeatedKey, parse_json, write_beginning
from ingest.payload.json_text import (
    count_quotes,
    has_suspect_escape,
    is_deeper_than,
    printable,
)
from ingest.validation.fields import REFUSED, Field, Limits
from ingest.validation.values.adapter import Fault, Value

_encode = msgspec.json.Encoder().encode
_fragments = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str).decode

# The levels of arrays and objects around a row: the array of rows, the envelope around it.
ENVELOPE_DEPTH = 2

# A wrong number is shown as a number up to this length, a longer one as text.
SHOWN_DIGITS = 30

# Columns that a row brings and the table does not have are named up to this number; the rest are
# counted. Everything else that can be wrong with a row is bounded by the table.
NAMED_STRANGERS = 50

# The JSON texts that give nothing, and none at all.
_ABSENT: dict[bytes, str | None] = {b"": None, b"null": None, b'""': ""}

# What a JSON number may begin with.
_NUMERIC = b"-0123456789"


class CheckedRow(NamedTuple):
    """A row's good values in canonical form by column, and every error."""

    values: dict[str, Any]
    errors: list[RowError]


class RowChecks:
    """Checks single rows of one table, value by value.

    Where columns that the table does not have are left out, `dropped` counts the rows with each.
    """

    def __init__(
        self,
        table: Table,
        fields: Iterable[Field],
        limits: Limits,
        dropped: Counter[str] | None = None,
    ) -> None:
        self._table = table
        self._fields = {field.column.name: field for field in fields}
        self._limits = limits
        self._dropped = dropped

    def check_text(self, text: bytes, *, is_strict: bool) -> CheckedRow:
        """Check a row given as JSON text.

        Text that is not JSON is the row's own error; where `is_strict` the whole body is wrong
        and `JsonSyntax` or `TooDeep` is raised.
        """
        refused = self.check_size(len(text))
        if refused:
            return refused
        if is_deeper_than(self._limits.max_depth - ENVELOPE_DEPTH + 1, text):
            if is_strict:
                raise TooDeep
            return refuse_row("json_too_deep", "nested too deep")
        fragments = _read_plain_object(text)
        if fragments is not None:
            return self._check_fragments(fragments)
        try:
            row = parse_json(text.decode())
        except ValueError as error:
            if is_strict:
                raise JsonSyntax(f"The body is not JSON: {error}") from error
            return refuse_row("bad_json", f"not JSON: {error}")
        if not isinstance(row, dict):
            return refuse_row("row_not_object", "a row must be a JSON object")
        return self.check_row(row, _read_fragments(text, row), row)

    def check_size(self, size: int) -> CheckedRow | None:
        """Return the outcome of a row of so many bytes where they are too many, else None."""
        if size <= self._limits.max_row_bytes:
            return None
        return refuse_row("row_too_large", f"{size} bytes in one row are too many")

    def check_row(
        self,
        row: Mapping[str, Value | Fault],
        fragments: Mapping[str, msgspec.Raw],
        shown: Mapping[str, Any],
    ) -> CheckedRow:
        """Check a parsed row.

        `fragments` holds the JSON text of values that are stored as sent, `shown` the values as
        errors show them.
        """
        errors = self._check_keys(row)
        values: dict[str, Any] = {}
        for name, field in self._fields.items():
            value = row.get(name)
            fault = _refuse_absence(field, value, is_given=name in row)
            if fault is not None:
                errors.append(fault)
            elif value is not None:
                checked = value if isinstance(value, Fault) else field.adapter.check(value)
                if isinstance(checked, Fault):
                    errors.append(_describe(name, shown[name], checked))
                else:
                    values[name] = fragments[name] if field.adapter.verbatim else checked
            elif name in row:
                values[name] = None
        return CheckedRow(values, errors)

    def _check_fragments(self, fragments: dict[str, msgspec.Raw]) -> CheckedRow:
        """Check a row whose keys are all different, looking closely at bad values only."""
        errors = self._check_keys(fragments)
        values: dict[str, Any] = {}
        for name, field in self._fields.items():
            text = bytes(fragments.get(name, b""))
            if text in _ABSENT:
                absence = _ABSENT[text]
                fault = _refuse_absence(field, absence, is_given=text != b"")
                if fault is not None:
                    errors.append(fault)
                    continue
                if absence is None:
                    if text:
                        values[name] = None
                    continue
            value = field.read(text)
            if value is REFUSED:
                value = self._check_value(field, text, errors)
            if value is not REFUSED:
                values[name] = value
        return CheckedRow(values, errors)

    def _check_value(self, field: Field, text: bytes, errors: list[RowError]) -> Any:
        """Return a value in canonical form; `REFUSED` where an error is added for it."""
        value = _read_value(text)
        missing = _refuse_absence(field, value, is_given=True)
        if missing is not None:
            errors.append(missing)
            return REFUSED
        checked = field.adapter.check(value)
        if isinstance(checked, Fault):
            errors.append(_describe(field.column.name, value, checked))
            return REFUSED
        return msgspec.Raw(text) if field.adapter.verbatim else checked

    def _check_keys(self, row: Mapping[str, Any]) -> list[RowError]:
        errors: list[RowError] = []
        if isinstance(row, RepeatedKey):
            key = printable(row.key[:SHOWN_CHARACTERS])
            message = f"{key} stands twice in the row"
            errors.append(RowError(code="duplicate_key_in_object", column=key, message=message))
        if row.keys() <= self._fields.keys():
            return errors
        strangers = []
        for name in row:
            if name in self._fields:
                continue
            if name in self._table.by_name:
                message = f"{name} is set by the database"
                errors.append(RowError(code="column_read_only", column=name, message=message))
            else:
                strangers.append(name)
        if self._dropped is not None:
            self._dropped.update(printable(name[:SHOWN_CHARACTERS]) for name in strangers)
            return errors
        return errors + self._describe_strangers(strangers)

    def _describe_strangers(self, names: list[str]) -> list[RowError]:
        errors = []
        for name in names[:NAMED_STRANGERS]:
            shown = printable(name[:SHOWN_CHARACTERS])
            message = f"{shown} is no column of {self._table.full_name}"
            errors.append(RowError(code="unknown_column", column=shown, message=message))
        more = len(names) - len(errors)
        if more > 0:
            message = f"{more} more are no columns of {self._table.full_name}"
            errors.append(RowError(code="unknown_column", message=message))
        return errors


def refuse_row(code: str, message: str) -> CheckedRow:
    """Return the outcome of a row of which nothing can be read."""
    return CheckedRow({}, [RowError(code=code, message=message)])


def _read_plain_object(text: bytes) -> dict[str, msgspec.Raw] | None:
    """Return the JSON text of an object's values, None where a closer look is needed.

    Of two equal keys the last is kept: then the text has more quotes than what was kept.
    """
    if has_suspect_escape(text):
        return None
    try:
        fragments = _fragments.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    quotes = count_quotes(text) - count_quotes(b" ".join(fragments.values()))
    return fragments if quotes == 2 * len(fragments) else None


def _read_value(text: bytes) -> Any:
    """Parse the JSON text of a plain object's value as `parse_json` does, most of them sooner."""
    if text[:1] == b'"':
        return _string(text)
    return Number(text.decode()) if text[0] in _NUMERIC else parse_json(text.decode())


def _read_fragments(text: bytes, row: dict[str, Any]) -> dict[str, msgspec.Raw]:
    try:
        return _fragments.decode(text)
    except msgspec.DecodeError:
        # A key with half a surrogate pair: such a row is rejected, its fragments are not needed.
        return dict.fromkeys(row, msgspec.Raw(b"null"))


def _refuse_absence(field: Field, value: Any, *, is_given: bool) -> RowError | None:
    column, name = field.column, field.column.name
    if (column.required and field.is_empty(value)) if is_given else not field.optional:
        return describe_missing(name)
    if is_given and value is None and column.not_null:
        return RowError(code="null_not_allowed", column=name, message=f"{name} must not be null")
    return None


def _describe(name: str, value: Any, fault: Fault) -> RowError:
    return RowError(
        code=fault.code,
        column=name,
        message=printable(f"{name}: {fault.message}"),
        element=fault.element or None,
        value=_shorten(value),
    )


def _shorten(value: Any) -> msgspec.Raw:
    if isinstance(value, Number) and len(value) <= SHOWN_DIGITS and "e" not in value.lower():
        return msgspec.Raw(value.encode())
    if isinstance(value, list | dict):
        value = write_beginning(value, SHOWN_CHARACTERS)
    if isinstance(value, str):
        value = printable(value[:SHOWN_CHARACTERS])
    return msgspec.Raw(_encode(value))
