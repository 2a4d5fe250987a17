"""Templates of rows' JSON: constant text, with slots for a row's figures."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Literal

from apis.covid.errors import DefinitionsConflict

Form = Literal["nested", "simple"]
FORMS: tuple[Form, ...] = ("nested", "simple")

# A field's names inside its category, and the number that keys its figures.
_Names = dict[str, "int | dict[str, int]"]

_LEVEL = '"population_percent":null,"change_from_prior_day":null,"change_7_day_percent":null'
_MISSING = {
    "current": f'{{"value":null,"computed":{{"average_7_day":null,{_LEVEL}}}}}',
    "cumulative": f'{{"value":null,"computed":{{{_LEVEL}}}}}',
    "choice": '{"complete_field":null,"preferred_field":null}',
}
_VALUE_AT = len('{"value":')


class RowTemplate:
    """Writes the rows of one scope (the states or the nation) in one form.

    `names` are the fields' names by the number that keys their figures.
    """

    def __init__(self, names: Mapping[int, str], form: Form) -> None:
        self._form = form
        self._parts: list[str] = []
        self._slots: dict[int, int] = {}
        self._choices: set[int] = set()
        text = ""
        for category, fields in _group(names).items():
            text += f',"{category}":{{'
            for name, inner in fields.items():
                text += f'"{name}":'
                text = self._add_field(text, inner) + ","
            text = text[:-1] + "}"
        self._parts.append(text + "}")

    def write(self, head: str, figures: Mapping[int, str]) -> str:
        """Return a row; `head` is its beginning, an object that is not closed yet."""
        parts = self._parts.copy()
        for number, figure in figures.items():
            slot = self._slots.get(number)
            if slot is None:
                continue
            if self._form == "simple" and number not in self._choices:
                figure = figure[_VALUE_AT : figure.index(",", _VALUE_AT)]
            parts[slot] = figure
        return head + "".join(parts)

    def _add_field(self, text: str, inner: int | dict[str, int]) -> str:
        if isinstance(inner, int):
            self._choices.add(inner)
            self._add_slot(text, inner, "choice")
            return ""
        opening = "{"
        for kind, number in inner.items():
            self._add_slot(f'{text}{opening}"{kind}":', number, kind)
            text, opening = "", ","
        return "}"

    def _add_slot(self, text: str, number: int, kind: str) -> None:
        missing = "null" if self._form == "simple" and kind != "choice" else _MISSING[kind]
        self._slots[number] = len(self._parts) + 1
        self._parts += [text, missing]


def write_head(area: str, day: date, last_update: datetime, states: int | None) -> str:
    """Return the beginning of a row: its area, its day, when it last changed."""
    whose = f'"state":"{area}",' if states is None else ""
    count = "" if states is None else f'"states":{states},'
    moment = format_timestamp(last_update)
    return f'{{{whose}"date":"{day}T00:00:00Z",{count}"meta":{{"last_update":"{moment}"}}'


def read_figures(lines: str | None) -> dict[int, str]:
    """Return a day's figures by the number of their field (see sql/days.sql)."""
    if not lines:
        return {}
    found = (line.split(":", 1) for line in lines.split("\n"))
    return {int(number): figure for number, figure in found}


def format_timestamp(moment: datetime) -> str:
    """Return a timestamp as the API writes it: to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _group(names: Mapping[int, str]) -> dict[str, _Names]:
    """Raise `DefinitionsConflict` where a name is also the beginning of other names."""
    series = {name.rpartition(".")[0] for name in names.values() if name.count(".") == 2}
    for name in names.values():
        if name in series:
            raise DefinitionsConflict(
                f"{name} is a total that names other fields, and there are figures under it",
                field=name,
            )
    grouped: dict[str, _Names] = {}
    for number, full_name in names.items():
        category, name, *kind = full_name.split(".")
        fields = grouped.setdefault(category, {})
        if not kind:
            fields[name] = number
            continue
        inner = fields.setdefault(name, {})
        if isinstance(inner, dict):
            inner[kind[0]] = number
    return grouped
