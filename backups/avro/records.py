"""Records of any Avro schema, decoded value by value; nothing in them is trusted.

Slow and strict: for files that other tools wrote. A branch that a union does not have, a length
beyond the block, bytes that are no UTF-8, a schema that contains itself: all raise `FileRefused`.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from backups.avro.container import MAX_LONG_BYTES, Block
from backups.errors import FileRefused

MAX_SCHEMA_DEPTH = 16
MAX_ITEMS = 1_000_000  # of all arrays and maps of a record

ReadValue = Callable[["Cursor"], Any]
Convert = Callable[[Any], Any]


class Cursor:
    """An offset in a block's bytes."""

    __slots__ = ("_data", "items", "offset")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0
        self.items = 0  # of arrays and maps, in this record

    def count_items(self, count: int) -> None:
        """Refuse a record with endless items: a null takes no bytes."""
        self.items += count
        if self.items > MAX_ITEMS:
            raise FileRefused(f"A record has more than {MAX_ITEMS} items")

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        end = self.offset + size
        if size < 0 or end > len(self._data):
            raise FileRefused("A value goes beyond its block")
        taken = self._data[self.offset : end]
        self.offset = end
        return taken

    def read_long(self) -> int:
        """Return the next zigzag number."""
        number = shift = 0
        for byte in self._data[self.offset : self.offset + MAX_LONG_BYTES]:
            self.offset += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if number >> 64:
                    break
                return (number >> 1) ^ -(number & 1)
            shift += 7
        raise FileRefused("A number is cut short or has more than 64 bits")


@dataclass(frozen=True)
class RecordField:
    """A field of the file's records: its name, how it is read."""

    name: str
    read: ReadValue


class RecordReader:
    """Reads the records of one schema, each as a tuple in field order.

    `choose_converter` is asked about each type that has a logical one, and returns what its values
    are passed through, or None.
    """

    def __init__(
        self,
        schema: Any,
        choose_converter: Callable[[dict[str, Any]], Convert | None] = lambda avro_type: None,
    ) -> None:
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise FileRefused("The file's records are not records of named fields")
        fields = schema.get("fields")
        if not isinstance(fields, list) or not fields:
            raise FileRefused("The file's records have no fields")
        compiler = _Compiler(choose_converter)
        self.fields = [_field(one, compiler) for one in fields]
        if len({field.name for field in self.fields}) != len(self.fields):
            raise FileRefused("Two of the file's fields have one name")

    def read(self, block: Block) -> Iterator[tuple[Any, ...]]:
        """Yield a block's records; raise `FileRefused` where its bytes are not exactly those."""
        cursor = Cursor(block.data)
        readers = [field.read for field in self.fields]
        for _ in range(block.count):
            cursor.items, start = 0, cursor.offset
            yield tuple([read(cursor) for read in readers])
            if cursor.offset == start:
                raise FileRefused("The file's records take no bytes")
        if cursor.offset != len(block.data):
            raise FileRefused("A block holds more bytes than its records")


def _field(document: Any, compiler: "_Compiler") -> RecordField:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise FileRefused("A field of the file's schema has no name")
    return RecordField(document["name"], compiler.compile(document.get("type"), 0))


class _Compiler:
    """Turns Avro types into readers; knows the named types that were complete before."""

    def __init__(self, choose_converter: Callable[[dict[str, Any]], Convert | None]) -> None:
        self._choose_converter = choose_converter
        self._named: dict[str, ReadValue] = {}

    def compile(self, avro_type: Any, depth: int) -> ReadValue:
        if depth > MAX_SCHEMA_DEPTH:
            raise FileRefused("The file's schema is nested too deep")
        if isinstance(avro_type, list):
            return self._union([self.compile(one, depth + 1) for one in avro_type])
        if isinstance(avro_type, str):
            if avro_type in _PRIMITIVES:
                return _PRIMITIVES[avro_type]
            if (plain := avro_type.rpartition(".")[2]) in self._named:
                return self._named[plain]
            raise FileRefused(
                f"The file's schema contains itself or an unknown type: {avro_type!r}"
            )
        if not isinstance(avro_type, dict):
            raise FileRefused("The file's schema is not one")
        return self._complex(avro_type, depth)

    def _complex(self, avro_type: dict[str, Any], depth: int) -> ReadValue:
        kind = avro_type.get("type")
        makers: dict[Any, Callable[[dict[str, Any], int], ReadValue]] = {
            "record": self._record,
            "enum": self._enum,
            "fixed": self._fixed,
            "array": self._array,
            "map": self._map,
        }
        is_complex = isinstance(kind, str) and kind in makers
        reader = makers[kind](avro_type, depth) if is_complex else self.compile(kind, depth + 1)
        convert = self._choose_converter(avro_type) if "logicalType" in avro_type else None
        if convert is not None:
            reader = _converted(reader, convert)
        if is_complex and isinstance(avro_type.get("name"), str):
            self._name(avro_type["name"], reader)
        return reader

    def _name(self, name: str, reader: ReadValue) -> None:
        """Remember a type by its name; the namespace before it may be left out by others."""
        plain = name.rpartition(".")[2]
        if plain in self._named:
            raise FileRefused(f"Two types in the file's schema are called {plain[:100]!r}")
        self._named[plain] = reader

    def _union(self, branches: list[ReadValue]) -> ReadValue:
        def read(cursor: Cursor) -> Any:
            branch = cursor.read_long()
            if not 0 <= branch < len(branches):
                raise FileRefused(f"A union has no branch {branch}")
            return branches[branch](cursor)

        return read

    def _record(self, avro_type: dict[str, Any], depth: int) -> ReadValue:
        fields = avro_type.get("fields")
        if not isinstance(fields, list):
            raise FileRefused("A record in the file's schema has no fields")
        named = [(one["name"], self.compile(one.get("type"), depth + 1)) for one in fields]
        return lambda cursor: {name: read(cursor) for name, read in named}

    def _enum(self, avro_type: dict[str, Any], depth: int) -> ReadValue:
        symbols = avro_type.get("symbols")
        if not isinstance(symbols, list):
            raise FileRefused("An enum in the file's schema has no symbols")

        def read(cursor: Cursor) -> Any:
            index = cursor.read_long()
            if not 0 <= index < len(symbols):
                raise FileRefused(f"An enum has no symbol {index}")
            return symbols[index]

        return read

    def _fixed(self, avro_type: dict[str, Any], depth: int) -> ReadValue:
        size = avro_type.get("size")
        if not isinstance(size, int) or size < 0:
            raise FileRefused("A fixed type in the file's schema has no size")
        return lambda cursor: cursor.take(size)

    def _array(self, avro_type: dict[str, Any], depth: int) -> ReadValue:
        item = self.compile(avro_type.get("items"), depth + 1)
        return lambda cursor: [item(cursor) for _ in _each_item(cursor)]

    def _map(self, avro_type: dict[str, Any], depth: int) -> ReadValue:
        value = self.compile(avro_type.get("values"), depth + 1)
        return lambda cursor: {_read_string(cursor): value(cursor) for _ in _each_item(cursor)}


def _converted(read: ReadValue, convert: Convert) -> ReadValue:
    return lambda cursor: convert(read(cursor))


def _each_item(cursor: Cursor) -> Iterator[None]:
    while count := cursor.read_long():
        if count < 0:
            count = -count
            cursor.read_long()
        cursor.count_items(count)
        for _ in range(count):
            yield None


def _read_boolean(cursor: Cursor) -> bool:
    byte = cursor.take(1)
    if byte not in (b"\0", b"\1"):
        raise FileRefused("A boolean is neither 0 nor 1")
    return byte == b"\1"


def _read_int(cursor: Cursor) -> int:
    number = cursor.read_long()
    if not -(1 << 31) <= number < 1 << 31:
        raise FileRefused("An int has more than 32 bits")
    return number


def _read_string(cursor: Cursor) -> str:
    try:
        return cursor.take(cursor.read_long()).decode()
    except UnicodeDecodeError as error:
        raise FileRefused("A string is not UTF-8") from error


_PRIMITIVES: dict[str, ReadValue] = {
    "null": lambda cursor: None,
    "boolean": _read_boolean,
    "int": _read_int,
    "long": lambda cursor: cursor.read_long(),
    "float": lambda cursor: struct.unpack("<f", cursor.take(4))[0],
    "double": lambda cursor: struct.unpack("<d", cursor.take(8))[0],
    "bytes": lambda cursor: cursor.take(cursor.read_long()),
    "string": _read_string,
}
