"""The list of methods: one JSON file that dispatch, checks, page and OpenAPI are made from."""

from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from apis.open311.errors import MethodUnknown

FILE = Path(__file__).parent / "specification.json"

# Scopes of OAuth2 tokens, as people are asked to grant them.
SCOPES = {
    "open311.report": "Report incidents",
    "open311.note": "Add notes to incidents",
}

# How a parameter's text is read; `row` is a value that ingest validates.
ParameterType = Literal["id", "ids", "dates", "where", "flag", "row", "page", "per_page", "format"]


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter of a method."""

    name: str
    description: str
    required: Literal[0, 1] = 0
    type: ParameterType
    example: str = ""


class Method(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    dict=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A method; the first fields are those of the standard's own list."""

    description: str
    enabled: Literal[0, 1]
    documented: Literal[0, 1]
    requires_auth: Literal[0, 1]
    method: Literal["GET", "POST"]
    paginated: Literal[0, 1] = 0
    parameters: tuple[Parameter, ...] = ()
    notes: tuple[str, ...] = ()
    example: Any = None
    aliases: tuple[str, ...] = ()
    list: str | None = None  # what an answer calls its list
    scope: str | None = None  # OAuth2 scope the method needs
    table: str | None = None  # where a report is written to
    needs_one_of: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @cached_property
    def all_parameters(self) -> dict[str, Parameter]:
        """The method's own parameters and those of every list, by name."""
        every = self.parameters + (COMMON_OF_LISTS if self.list else COMMON)
        return {parameter.name: parameter for parameter in every}


class Specification(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The whole file."""

    default_format: str
    formats: tuple[str, ...]
    methods: dict[str, Method]

    @cached_property
    def callable_methods(self) -> dict[str, str]:
        """The name of each enabled method under its own name and its aliases."""
        return {
            called: name
            for name, method in self.methods.items()
            if method.enabled
            for called in (name, *method.aliases)
        }

    def find(self, called: str) -> tuple[str, Method]:
        """Return a method and its own name; raise `MethodUnknown` where there is none."""
        name = self.callable_methods.get(called)
        if name is None:
            raise MethodUnknown(method=called[:100])
        return name, self.methods[name]


FORMAT = Parameter(
    name="format",
    type="format",
    description="json (the default); lists also as geojson and csv.",
    example="json",
)
COMMON = (FORMAT,)
COMMON_OF_LISTS = (
    Parameter(name="page", type="page", description="The page, from 1.", example="1"),
    Parameter(name="per_page", type="per_page", description="Results on a page.", example="100"),
    FORMAT,
)


@cache
def read_specification() -> Specification:
    """Return the specification, decoded once."""
    return msgspec.json.decode(FILE.read_bytes(), type=Specification)
