"""Rows that would violate a foreign key after a restore: those of the backup, and of other tables.

A table that is restored in the same run is taken with its restored rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from backups.restore.fit_check import FittingRows
from backups.restore.plan import Misfit, Mode
from backups.tables.catalog import fetch_int
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class _Side:
    """One side of a foreign key: a table and the key's columns."""

    oid: int
    schema: str
    table: str
    columns: list[str]

    @property
    def identifier(self) -> Identifier:
        return Identifier(self.schema, self.table)


class ForeignKeyCheck:
    """Checks the foreign keys between the tables of one restore and all others."""

    def __init__(
        self, connection: psycopg.Connection, restored: Mapping[int, FittingRows], mode: Mode
    ) -> None:
        self._connection = connection
        self._restored = restored  # by the table's oid
        self._mode = mode

    def find_violations(self, oid: int) -> tuple[list[Misfit], list[str]]:
        """Return the rows of the table that would refer to nothing, and refusals for other tables.

        The table is the one with this oid.
        """
        misfits, refusals = [], []
        for name, referencing, referenced in self._foreign_keys(oid):
            rows = self._count_violations(referencing, referenced)
            if rows and referencing.oid == oid:
                target = f"{referenced.schema}.{referenced.table}"
                misfits.append(Misfit(f"{name}: they refer to no row of {target}", rows))
            elif rows:
                refusals.append(
                    f"{rows} rows of {referencing.schema}.{referencing.table} refer to rows that"
                    f" the backup does not have ({name})"
                )
        return misfits, refusals

    def _foreign_keys(self, oid: int) -> Iterator[tuple[str, _Side, _Side]]:
        statement = read_sql(FOLDER / "foreign_keys.sql")
        for name, *sides in self._connection.execute(statement, {"oid": oid}).fetchall():
            referencing, referenced = _Side(*sides[:4]), _Side(*sides[4:])
            # A key between two tables of the restore is checked with the referencing one, and only
            # a replaced table can lose rows.
            if referencing.oid == oid or (
                self._mode == "replace" and referencing.oid not in self._restored
            ):
                yield name, referencing, referenced

    def _count_violations(self, referencing: _Side, referenced: _Side) -> int:
        rows = self._restored.get(referencing.oid)
        targets = self._find_targets(referencing, referenced)
        if targets is None or (rows is not None and not set(referencing.columns) <= rows.columns):
            return 0
        conditions = [
            SQL("r.{} IS NOT NULL").format(Identifier(name)) for name in referencing.columns
        ]
        equal = SQL(" AND ").join(
            SQL("t.{} = r.{}").format(Identifier(target), Identifier(column))
            for column, target in zip(referencing.columns, referenced.columns, strict=True)
        )
        conditions += [
            SQL("NOT EXISTS (SELECT FROM {} t WHERE {})").format(target, equal)
            for target in targets
        ]
        source = referencing.identifier if rows is None else Identifier(rows.name)
        return fetch_int(
            self._connection,
            SQL("SELECT count(*) FROM {} r WHERE {}").format(source, SQL(" AND ").join(conditions)),
        )

    def _find_targets(self, referencing: _Side, referenced: _Side) -> list[Identifier] | None:
        """Return the tables whose rows can be referred to; None where these are not known."""
        restored = self._restored.get(referenced.oid)
        if self._mode == "new" and referencing.oid != referenced.oid:
            restored = None  # a new table refers to the others as they are
        if restored is None:
            return [referenced.identifier]
        if not set(referenced.columns) <= restored.columns:
            return None
        target = Identifier(restored.name)
        return [target, referenced.identifier] if self._mode == "append" else [target]
