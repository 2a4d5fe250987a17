"""Which tables a file's columns fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.catalog.column_names import NameMatcher
from ingest.loaders.client import IngestClient

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class TableFit:
    """A table that has columns for some of a file's, and all that it requires."""

    table: str
    found: int
    columns: int

    def describe(self, width: int) -> str:
        """Return in words how well it fits a file with so many columns."""
        return f"{self.table} ({self.found} of {width} fields, {self.columns} columns)"


def fit_tables(client: IngestClient, names: Sequence[str]) -> list[TableFit]:
    """Return the tables that fit best, the best first: at least half of the fields have a column.

    Raises as `IngestClient.list_tables` does.
    """
    fits: list[TableFit] = []
    for table in client.list_tables():
        columns = [each for each in client.describe_table(table).columns if not each.read_only]
        known = NameMatcher(each.name for each in columns)
        found = {match[0] for name in names if len(match := known.find(name)) == 1}
        required = {each.name for each in columns if each.required}
        if required <= found and 2 * len(found) >= len(names):
            fits.append(TableFit(table, len(found), len(columns)))
    return sorted(fits, key=lambda fit: (-fit.found, fit.columns))[:_SHOWN]
