"""What can be wrong with a report."""

from project.base.errors import RowhouseError


class ReportUnknown(RowhouseError):
    """There is no report with this name."""

    code = "report_unknown"


class DefinitionInvalid(RowhouseError):
    """A report's definition cannot be used."""

    code = "report_definition_invalid"


class NotRefreshed(RowhouseError):
    """The report was never refreshed: POST /api/reports/{name}/refresh."""

    code = "report_not_refreshed"


class ReportBusy(RowhouseError):
    """The report is being refreshed right now."""

    code = "report_busy"


class RefreshFailed(RowhouseError):
    """The refresh failed; the table is as it was before."""

    code = "refresh_failed"
