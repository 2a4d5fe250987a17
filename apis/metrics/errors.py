"""What the Metrics API refuses."""

from http import HTTPStatus

from project.base.errors import RowhouseError


class QueryInvalid(RowhouseError):
    """The query is not understood; `field` names the part that is wrong."""

    code = "query_invalid"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(f"{field}: {message}", field=field)


class ResultUnknown(RowhouseError):
    """There is no result with this id, or it is no longer kept."""

    code = "result_unknown"


class DefinitionInvalid(RowhouseError):
    """A metric's definition cannot be used."""

    code = "metric_definition_invalid"


STATUSES: dict[type[RowhouseError], int] = {ResultUnknown: HTTPStatus.NOT_FOUND}
