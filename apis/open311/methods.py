"""What each method of the specification does."""

from collections.abc import Callable
from typing import Any

import msgspec

from apis.open311.access import Caller
from apis.open311.answers.pages import Listing, cut_page
from apis.open311.errors import TokenRequired
from apis.open311.filing import file_row
from apis.open311.parameters import Arguments, check_criteria
from apis.open311.search import incidents, services
from apis.open311.search.places import list_terms
from apis.open311.specification import Method, read_specification
from project.base.config import Open311

MAX_SOURCE = 100  # characters of incidents.source


class Call(msgspec.Struct, frozen=True):
    """A method with its checked arguments, and who calls it."""

    method: Method
    arguments: Arguments
    caller: Caller | None
    config: Open311

    @property
    def values(self) -> dict[str, Any]:
        """The checked parameters by name."""
        return self.arguments.values

    @property
    def known_caller(self) -> Caller:
        """Who calls a method that needs to know."""
        if self.caller is None:
            raise TokenRequired
        return self.caller


Answer = Listing | dict[str, Any]


def get_services(call: Call) -> Answer:
    """open311.services.getList."""
    return cut_page("services", services.list_services_briefly(), call.arguments.page)


def get_service(call: Call) -> Answer:
    """open311.services.getInfo."""
    return {"service": services.read_service(call.values["service_id"])}


def get_statuses(call: Call) -> Answer:
    """open311.statuses.getList."""
    return cut_page("statuses", services.list_statuses(), call.arguments.page)


def get_incident(call: Call) -> Answer:
    """open311.incidents.getInfo."""
    return {"incident": incidents.read_incident(call.values["incident_id"])}


def get_history(call: Call) -> Answer:
    """open311.incidents.getHistory."""
    return incidents.read_history(call.values["incident_id"], call.arguments.page)


def search_incidents(call: Call) -> Answer:
    """open311.incidents.search."""
    check_criteria(call.method, call.arguments, is_scoped=call.caller is not None)
    return incidents.search_incidents(
        call.values,
        call.arguments.page,
        reporter=call.caller.identity if call.caller else None,
        exact_total=call.config.exact_total,
    )


def report_incident(call: Call) -> Answer:
    """open311.incidents.report."""
    caller = call.known_caller
    values = {
        **call.values,
        "source": caller.application[:MAX_SOURCE] or None,
        "reporter": caller.identity,
    }
    number = file_row(str(call.method.table), "incident_id", values, caller)
    return {"incident": incidents.read_reserved(number)}


def add_note(call: Call) -> Answer:
    """open311.incidents.addNote."""
    caller = call.known_caller
    number = file_row(
        str(call.method.table), "note_id", {**call.values, "author": caller.identity}, caller
    )
    return {"note": incidents.read_note(number)}


def get_where(call: Call) -> Answer:
    """open311.where.getList."""
    return cut_page("terms", list_terms(call.config), call.arguments.page)


def get_methods(call: Call) -> Answer:
    """open311.api.getMethods: the specification, without what is not to be shown."""
    specification = read_specification()
    shown: dict[str, Any] = msgspec.to_builtins(specification)
    shown["methods"] = {
        name: each
        for name, each in shown["methods"].items()
        if specification.methods[name].enabled and specification.methods[name].documented
    }
    return shown


METHODS: dict[str, Callable[[Call], Answer]] = {
    "open311.services.getList": get_services,
    "open311.services.getInfo": get_service,
    "open311.statuses.getList": get_statuses,
    "open311.incidents.report": report_incident,
    "open311.incidents.addNote": add_note,
    "open311.incidents.getInfo": get_incident,
    "open311.incidents.getHistory": get_history,
    "open311.incidents.search": search_incidents,
    "open311.where.getList": get_where,
    "open311.api.getMethods": get_methods,
}
