"""Rows of a backup that foreign keys would not let in, and rows that would lose what they need.

A table that is restored in the same run is looked at as it will be then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from backups.restore.fit_check import Fitting
from backups.restore.plan import Misfit, Mode
from project.base.sql_files import read_sql

FOLDER = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Broken:
    """What foreign keys have against a table's restore."""

    misfits: tuple[Misfit, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class _End:
    """One side of a foreign key: a table and the key's columns."""

    oid: int
    schema: str
    table: str
    columns: list[str]

    @property
    def identifier(self) -> Identifier:
        return Identifier(self.schema, self.table)


class Links:
    """The foreign keys between the tables of one restore and all others."""

    def __init__(
        self, connection: psycopg.Connection, fittings: Sequence[Fitting], mode: Mode
    ) -> None:
        self._connection = connection
        self._fittings = {fitting.oid: fitting for fitting in fittings}
        self._mode = mode

    def find(self, oid: int) -> Broken:
        """Count the rows that would refer to nothing if the table were restored."""
        misfits, refusals = [], []
        for name, near, far in self._keys(oid):
            rows = self._count_missing(near, far)
            if rows and near.oid == oid:
                misfits.append(
                    Misfit(f"{name}: they refer to no row of {far.schema}.{far.table}", rows)
                )
            elif rows:
                refusals.append(
                    f"{rows} rows of {near.schema}.{near.table} refer to rows that the backup does"
                    f" not have ({name})"
                )
        return Broken(tuple(misfits), tuple(refusals))

    def _keys(self, oid: int) -> Iterator[tuple[str, _End, _End]]:
        statement = read_sql(FOLDER / "references.sql")
        for name, *ends in self._connection.execute(statement, {"oid": oid}).fetchall():
            near, far = _End(*ends[:4]), _End(*ends[4:])
            # A key between two tables of the restore is the referencing one's affair, and only
            # a replaced table can lose rows.
            if near.oid == oid or (self._mode == "replace" and near.oid not in self._fittings):
                yield name, near, far

    def _count_missing(self, near: _End, far: _End) -> int:
        rows = self._fittings.get(near.oid)
        targets = self._targets(near, far)
        if targets is None or (rows is not None and not set(near.columns) <= rows.columns):
            return 0
        conditions = [SQL("r.{} IS NOT NULL").format(Identifier(name)) for name in near.columns]
        joined = SQL(" AND ").join(
            SQL("t.{} = r.{}").format(Identifier(there), Identifier(here))
            for here, there in zip(near.columns, far.columns, strict=True)
        )
        conditions += [
            SQL("NOT EXISTS (SELECT FROM {} t WHERE {})").format(target, joined)
            for target in targets
        ]
        source = near.identifier if rows is None else Identifier(rows.name)
        statement = SQL("SELECT count(*) FROM {} r WHERE {}").format(
            source, SQL(" AND ").join(conditions)
        )
        row = self._connection.execute(statement).fetchone()
        return int(row[0]) if row else 0

    def _targets(self, near: _End, far: _End) -> list[Identifier] | None:
        """Return where the rows are that can be referred to; None where that is not known."""
        restored = self._fittings.get(far.oid)
        if self._mode == "new" and near.oid != far.oid:
            restored = None  # a new table refers to the others as they are
        if restored is None:
            return [far.identifier]
        if not set(far.columns) <= restored.columns:
            return None
        here = Identifier(restored.name)
        return [here, far.identifier] if self._mode == "append" else [here]
