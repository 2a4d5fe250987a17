"""Which reports a request may read."""

from project.http.access.reading import may_read
from project.models import ApiKey
from reports.engine.definition import Definition
from reports.engine.registry import datasets_of, find_reports


def find_readable(key: ApiKey | None) -> dict[str, Definition]:
    """Return the reports that the holder of a key may read, or anyone, in their names' order."""
    return {
        name: definition
        for name, definition in sorted(find_reports().found.items())
        if may_read(key, datasets_of(definition))
    }
