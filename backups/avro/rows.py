"""Data frames of primitive values encoded as Avro records and as COPY data, and decoded."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import polars as pl

from backups.avro.binary_rows import encode_rows
from backups.avro.codecs import Buffer
from backups.avro.container import SYNC_BYTES, ContainerReader, encode_block, encode_header
from backups.avro.schema import Field
from backups.errors import FileRefused

_NO_SYNC = bytes(SYNC_BYTES)
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = r"[\\\n\r\t]"
_NULL = "\\N"


@dataclass(frozen=True)
class RowCodec:
    """Encodes and decodes the records of one schema, many at a time."""

    fields: tuple[Field, ...]

    @property
    def names(self) -> list[str]:
        """The data frame's column names, which do not depend on the table's."""
        return [f"f{position}" for position in range(len(self.fields))]

    def to_primitives(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the columns of a query as primitive values: dates and times as numbers.

        To PostgreSQL every NaN is the same, whatever its bits: here they become the same bits.
        """
        return pl.DataFrame(
            [
                _unify_nan(series.to_physical()).rename(name)
                for name, series in zip(self.names, frame.get_columns(), strict=True)
            ]
        )

    def find_out_of_range(self, frame: pl.DataFrame) -> set[str]:
        """Return the columns with values that their logical type cannot hold."""
        return {
            field.column
            for name, field in zip(self.names, self.fields, strict=True)
            if not field.adapter.can_hold(frame[name])
        }

    def encode(self, frame: pl.DataFrame) -> Buffer:
        """Return the rows as Avro records, one after the other."""
        out = io.BytesIO()
        frame.write_avro(out)
        view = out.getbuffer()
        out.seek(0)
        blocks = list(ContainerReader(out, len(view)).blocks())
        return blocks[0].data if len(blocks) == 1 else b"".join(block.data for block in blocks)

    def decode(self, count: int, data: Buffer) -> pl.DataFrame:
        """Return the rows of a block; raise `FileRefused` unless they are exactly its records."""
        source = io.BytesIO(self._plain_header() + encode_block(count, data, _NO_SYNC))
        try:
            frame = pl.read_avro(source)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise FileRefused(f"A block's records cannot be decoded: {error}") from error
        # Polars accepts a branch that the union does not have and a number in more bytes than it
        # needs; encoded again, the rows differ then.
        if len(frame) != count or self.encode(frame) != data:
            raise FileRefused("A block's records are not what a backup writes")
        return frame

    def to_copy(self, frame: pl.DataFrame, positions: Sequence[int]) -> Buffer:
        """Return some columns of the rows in the text format of COPY."""
        columns = [
            _copy_text(frame[name], self.fields[position]).alias(name)
            for position, name in ((position, self.names[position]) for position in positions)
        ]
        out = io.BytesIO()
        frame.select(columns).write_csv(
            out, include_header=False, separator="\t", quote_style="never", null_value=_NULL
        )
        return out.getbuffer()

    def to_binary(self, frame: pl.DataFrame, positions: Sequence[int]) -> Buffer:
        """Return some columns of the rows in the binary format of COPY."""
        columns = [frame[self.names[position]] for position in positions]
        return encode_rows(columns, [self.fields[position] for position in positions])

    def _plain_header(self) -> bytes:
        fields = [
            {"name": name, "type": ["null", field.adapter.primitive]}
            for name, field in zip(self.names, self.fields, strict=True)
        ]
        schema = {"type": "record", "name": "row", "fields": fields}
        return encode_header(msgspec.json.encode(schema), "null", _NO_SYNC)


def _unify_nan(values: pl.Series) -> pl.Series:
    if not values.dtype.is_float() or not values.is_nan().any():
        return values
    return values.fill_nan(float("nan")).cast(values.dtype)


def _copy_text(values: pl.Series, field: Field) -> pl.Expr:
    expression = pl.col(values.name)
    if field.adapter.primitive != "string":
        return field.adapter.to_text(expression)
    if values.str.contains(_ESCAPED).any():
        return expression.str.replace_many(_ESCAPES)
    return expression
