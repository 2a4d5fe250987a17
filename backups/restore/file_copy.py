"""A file's values written to a table by COPY."""

from dataclasses import dataclass
from functools import cached_property

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from backups.avro.binary_rows import can_encode
from backups.avro.schema import Field
from backups.child.table_reader import TableReader
from backups.progress import Progress
from backups.tables.definition import TableDefinition


@dataclass(frozen=True)
class FileCopy:
    """The columns that a file and a table share; the table computes none of them."""

    connection: Connection
    reader: TableReader
    definition: TableDefinition
    progress: Progress

    @cached_property
    def positions(self) -> list[int]:
        """Their positions in the file."""
        loaded = {one.name for one in self.definition.columns if one.generated is None}
        fields = self.reader.schema.fields
        return [number for number, field in enumerate(fields) if field.column in loaded]

    @cached_property
    def fields(self) -> list[Field]:
        """Their fields in the file."""
        return [self.reader.schema.fields[position] for position in self.positions]

    @cached_property
    def retyped(self) -> list[Field]:
        """Those that have another type in the table; only text is read as another type."""
        types = {column.name: column.type for column in self.definition.columns}
        return [field for field in self.fields if types[field.column] != field.type]

    def copy_in(self, target: Identifier, *, as_text: bool, freeze: bool = True) -> None:
        """Write all rows to a table that has these columns, in the caller's transaction.

        Raises `BackupDamaged` at the end where the file is not what was written.
        """
        binary = not as_text and can_encode(self.fields)
        statement = SQL("COPY {} ({}) FROM STDIN WITH (FORMAT {}, FREEZE {})").format(
            target,
            SQL(", ").join(Identifier(field.column) for field in self.fields),
            SQL("binary" if binary else "text"),
            SQL("on" if freeze else "off"),
        )
        with self.connection.cursor().copy(statement) as copy:
            for part in self.reader.values(self.positions, binary=binary, progress=self.progress):
                copy.write(part)
