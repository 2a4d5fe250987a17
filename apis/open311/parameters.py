"""The parameters of a call: read from the request as text, then checked and converted."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec
from django.http import HttpRequest

from apis.open311.answers.pages import Page
from apis.open311.errors import (
    BodyInvalid,
    CriterionMissing,
    ParameterInvalid,
    ParameterMissing,
    ParameterUnknown,
)
from apis.open311.search.dates import parse_period
from apis.open311.search.places import parse_place
from apis.open311.specification import Method, Parameter
from project.base.config import Open311
from project.http.access.senders import FORM_BYTES
from project.http.body import read_optional_body

MAX_ID = 2**63 - 1
MAX_IDS = 1000
MAX_FIELDS = 100
FORM = "application/x-www-form-urlencoded"

# Values as they came: text, or the JSON of one.
Given = dict[str, str | msgspec.Raw]

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Arguments(msgspec.Struct, frozen=True):
    """A method's parameters, checked and converted."""

    values: dict[str, Any]
    page: Page
    format: str


def read_parameters(request: HttpRequest) -> Given:
    """Return the parameters of the query and of a POST body, a form or a JSON object."""
    given = _parse_form(request.META.get("QUERY_STRING", ""))
    # The standard's own example has a second question mark: ?method=…services.getList?page=2&…
    method, _, rest = take_text(given, "method").partition("?")
    given |= {"method": method} if method else {}
    if rest:
        given |= _parse_form(rest)
    if request.method == "POST":
        _add(given, _read_body(request).items())
    return given


def _add(given: Given, items: Iterable[tuple[str, str | msgspec.Raw]]) -> None:
    for name, value in items:
        if name in given:
            raise ParameterInvalid(name[:100], "given twice")
        given[name] = value


def _read_body(request: HttpRequest) -> Given:
    body = read_optional_body(request, max_bytes=FORM_BYTES)
    if not body:
        return {}
    media_type = (request.content_type or FORM).lower()
    if media_type == "application/json":
        try:
            return dict(_members.decode(body))
        except (msgspec.DecodeError, RecursionError) as error:
            raise BodyInvalid(f"The body is not a JSON object: {error}") from error
    if media_type != FORM:
        raise BodyInvalid(f"Send parameters as {FORM} or application/json")
    try:
        return _parse_form(body.decode("ascii"))
    except UnicodeDecodeError as error:
        raise BodyInvalid("A form is written in ASCII and percent signs") from error


def _parse_form(text: str) -> Given:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError as error:
        raise BodyInvalid("A parameter is not UTF-8") from error
    except ValueError as error:
        raise BodyInvalid(f"More than {MAX_FIELDS} parameters") from error
    given: Given = {}
    _add(given, pairs)
    return given


def take_text(given: Given, name: str) -> str:
    """Remove a parameter and return it as text, empty where it is not there."""
    value = given.pop(name, "")
    return value if isinstance(value, str) else _as_text(name, value)


def _as_text(name: str, value: msgspec.Raw) -> str:
    """Return a JSON value as the text that a form would have."""
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ParameterInvalid(name, "not understood") from error
    if isinstance(decoded, str):
        return decoded
    if isinstance(decoded, bool) or not isinstance(decoded, int | float):
        raise ParameterInvalid(name, "must be text or a number")
    return bytes(value).decode().strip()


def check_arguments(
    method: Method, given: Given, config: Open311, formats: tuple[str, ...]
) -> Arguments:
    """Return the values of a method's parameters, all of them checked.

    Parameters of type `row` are handed on as they came: ingest validates them. Raise the first
    error.
    """
    for name in given:
        if name not in method.all_parameters:
            raise ParameterUnknown(
                f"There is no parameter {name[:100]!r} here", parameter=name[:100]
            )
    values: dict[str, Any] = {}
    for parameter in method.all_parameters.values():
        name = parameter.name
        if parameter.type == "row":
            if name in given:
                values[name] = given[name]
        elif name in given and (text := take_text(given, name)):
            values[name] = _check(parameter, text, config)
        elif parameter.required:
            raise ParameterMissing(f"{name} is required", parameter=name)
    page = Page(values.pop("page", 1), values.pop("per_page", config.per_page))
    if page.offset > config.max_offset:
        raise ParameterInvalid("page", f"ask for at most {config.max_offset} results")
    return Arguments(values, page, _choose_format(method, values.pop("format", ""), formats))


def check_criteria(method: Method, arguments: Arguments, *, is_scoped: bool) -> None:
    """Raise `CriterionMissing` where a search has none; a token's user is one."""
    if method.needs_one_of and not is_scoped and not arguments.values.keys() & method.needs_one_of:
        names = ", ".join(method.needs_one_of)
        raise CriterionMissing(f"Define at least one of {names}")


def _choose_format(method: Method, text: str, formats: tuple[str, ...]) -> str:
    allowed = formats if method.list else formats[:1]
    if text and text not in allowed:
        raise ParameterInvalid("format", f"must be one of {', '.join(allowed)}")
    return text or allowed[0]


def _check(parameter: Parameter, text: str, config: Open311) -> Any:
    reader: Callable[[str, Open311], Any] = _READERS[parameter.type]
    if "\0" in text:
        raise ParameterInvalid(parameter.name, "must not hold U+0000")
    try:
        return reader(text, config)
    except ValueError as error:
        raise ParameterInvalid(parameter.name, str(error)) from error


def _read_id(text: str, config: Open311) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > MAX_ID:
        raise ValueError(f"{text[:40]!r} is not an id")
    return int(text)


def _read_ids(text: str, config: Open311) -> list[int]:
    ids = [_read_id(part.strip(), config) for part in text.split(",")]
    if len(ids) > MAX_IDS:
        raise ValueError(f"at most {MAX_IDS} ids")
    return sorted(set(ids))


def _read_number(text: str, limit: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or not 1 <= int(text) <= limit:
        raise ValueError(f"must be a number from 1 to {limit}")
    return int(text)


def _read_flag(text: str, config: Open311) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return text == "1"


_READERS: dict[str, Callable[[str, Open311], Any]] = {
    "id": _read_id,
    "ids": _read_ids,
    "dates": lambda text, config: parse_period(text, ZoneInfo(config.time_zone)),
    "where": parse_place,
    "flag": _read_flag,
    "page": lambda text, config: _read_number(text, config.max_offset + 1),
    "per_page": lambda text, config: _read_number(text, config.max_per_page),
    "format": lambda text, config: text,
}
