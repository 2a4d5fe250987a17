"""What the COVID data API refuses."""

from http import HTTPStatus

from project.base.errors import RowhouseError


class StateUnknown(RowhouseError):
    """There is no state with this code or slug; /covid/v2/states lists them."""

    code = "state_unknown"


class DayUnknown(RowhouseError):
    """There are no figures of this day."""

    code = "day_unknown"


class FieldUnknown(RowhouseError):
    """There is no field of this name; /covid/v2/fields lists them."""

    code = "field_unknown"


class NotBuilt(RowhouseError):
    """The API's data were never built: load covid.* and wait for the job refresh_covid."""

    code = "data_not_built"


class DefinitionsConflict(RowhouseError):
    """Field definitions contradict each other."""

    code = "field_definitions_conflict"


STATUSES: dict[type[RowhouseError], int] = {
    StateUnknown: HTTPStatus.NOT_FOUND,
    DayUnknown: HTTPStatus.NOT_FOUND,
    NotBuilt: HTTPStatus.NOT_FOUND,
}
