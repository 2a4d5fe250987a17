"""The parameter `fields`: a selection of fields, and notices of deprecated names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from apis.covid.errors import FieldUnknown
from apis.covid.fields.definitions import Scope
from apis.covid.fields.documents import FieldNote, PublishedField

_decode_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_decode_notes = msgspec.json.Decoder(list[FieldNote]).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode

_HEAD = frozenset({"state", "states", "date", "meta"})


@dataclass(frozen=True)
class Notice:
    """A requested name that is deprecated or removed."""

    name: str
    deprecated_at: str
    sunset: str


@dataclass(frozen=True)
class Selection:
    """The requested fields under their current names, and notices of former names."""

    names: frozenset[str]
    notices: list[Notice] = field(default_factory=list)
    successors: list[str] = field(default_factory=list)  # what to ask for instead

    def filter_notes(self, notes: bytes) -> list[FieldNote]:
        """Return the field definitions, given as JSON, of the selected fields."""
        return [note for note in _decode_notes(notes) if note.field in self.names]

    def filter_rows(self, rows: bytes) -> bytes:
        """Return rows, objects separated by commas, with the selected fields only."""
        wanted = _make_tree(self.names)
        return b",".join(_encode(_filter(row, wanted)) for row in _decode_rows(b"[%b]" % rows))


def select_fields(text: str, fields: Sequence[PublishedField], scope: Scope) -> Selection:
    """Return what a comma-separated list of names selects; raise `FieldUnknown`.

    A name may be a whole one, or its beginning: cases, cases.cases, cases.cases.current. A former
    name selects the field that has taken its place.
    """
    names: set[str] = set()
    notices: list[Notice] = []
    successors: list[str] = []
    for asked in text.split(","):
        found, notice = _find(asked.strip(), fields, scope)
        names |= {each.field for each in found}
        if notice:
            notices.append(notice)
            successors += [each.replaced_by or each.field for each in found]
        else:
            successors.append(asked.strip())
    return Selection(frozenset(names), notices, list(dict.fromkeys(successors)))


def _find(
    asked: str, fields: Sequence[PublishedField], scope: Scope
) -> tuple[list[PublishedField], Notice | None]:
    published = [each for each in fields if scope in each.published_for]
    found = [
        each for each in published if each.field == asked or each.field.startswith(asked + ".")
    ]
    if found:
        is_deprecated = all(each.deprecated for each in found)
        return found, _notice(asked, found[0]) if is_deprecated else None
    for known in fields:
        if known.field == asked and known.status == "gone":
            return _find_successors(known, fields, published), _notice(asked, known)
    found = [each for each in published if asked in each.formerly]
    if not found:
        shown = asked[:100]
        raise FieldUnknown(f"There is no field {shown!r} for {scope}", field=shown)
    # Never a name of this version: it was removed when its successor was introduced.
    moment = min(each.launched_at for each in found)
    return found, Notice(asked, moment, moment)


def _find_successors(
    gone: PublishedField, fields: Sequence[PublishedField], published: Sequence[PublishedField]
) -> list[PublishedField]:
    by_name = {each.field: each for each in fields}
    passed = {gone.field}
    name = gone.replaced_by
    while name is not None and name not in passed:
        passed.add(name)
        if by_name[name] in published:
            return [by_name[name]]
        name = by_name[name].replaced_by
    raise FieldUnknown(f"{gone.field} was removed on {gone.sunset}", field=gone.field)


def _notice(asked: str, found: PublishedField) -> Notice:
    return Notice(
        asked, found.deprecated_at or found.launched_at, found.sunset or found.launched_at
    )


def _make_tree(names: frozenset[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name in names:
        branch = tree
        for part in name.split("."):
            branch = branch.setdefault(part, {})
    return tree


def _filter(row: dict[str, msgspec.Raw], wanted: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if name in _HEAD else _prune(value, wanted[name])
        for name, value in row.items()
        if name in _HEAD or name in wanted
    }


def _prune(value: msgspec.Raw, wanted: dict[str, Any]) -> Any:
    """Return an object with the wanted members only, all of them where none is named."""
    if not wanted:
        return value
    members = _decode_members(value)
    return {name: _prune(members[name], wanted[name]) for name in members if name in wanted}
