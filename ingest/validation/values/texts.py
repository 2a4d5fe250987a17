"""text, varchar(n), char(n), enums, uuid, bytea, and types that only PostgreSQL can judge."""

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from msgspec import Meta

from ingest.payload.json_syntax import Number
from ingest.validation.values.adapter import (
    Adapter,
    Canonical,
    Fault,
    Value,
    every_string_matches,
    show,
)

UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}"
_uuid = re.compile(UUID)
_hex = re.compile(r"\\x(?:[0-9a-fA-F]{2})*+")


def refuse_text(value: str) -> Fault | None:
    """Return why PostgreSQL cannot hold this text at all, None where it can."""
    if "\0" in value:
        return Fault("nul_character", "holds the character U+0000, which PostgreSQL cannot store")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return Fault("bad_unicode", "holds half of a surrogate pair")
    return None


def text_adapter(max_length: int | None, *, required: bool) -> Adapter:
    """Return the adapter of text, varchar(n) or char(n).

    In a required column the empty string is a missing value, which the annotation leaves to the
    slow path to say.
    """

    def check(value: Value) -> Canonical | Fault:
        if not isinstance(value, str) or isinstance(value, Number):
            return Fault("type_mismatch", f"expected a string, got {show(value)}")
        if max_length is not None and len(value) > max_length:
            return Fault("too_long", f"{len(value)} characters where {max_length} fit")
        return refuse_text(value) or value

    meta = Meta(min_length=1 if required else None, max_length=max_length)
    schema: dict[str, Any] = {"type": "string"}
    if max_length is not None:
        schema["maxLength"] = max_length
    if required:
        schema |= {"minLength": 1, "pattern": r"\S"}  # unless ingest.blank_is_missing is false
    return Adapter(
        check=check,
        annotation=Annotated[str, meta] if required or max_length is not None else str,
        copied_as="scalar",
        schema=schema,
    )


def narrow_adapter(max_bytes: int) -> Adapter:
    """Return the adapter of name or "char", which PostgreSQL cuts off after so many bytes."""

    def check(value: Value) -> Canonical | Fault:
        if not isinstance(value, str) or isinstance(value, Number):
            return Fault("type_mismatch", f"expected a string, got {show(value)}")
        fault = refuse_text(value)
        if fault is None and len(value.encode()) > max_bytes:
            return Fault("too_long", f"{len(value.encode())} bytes where {max_bytes} fit")
        return fault or value

    check_column = every_string_matches(rf"[ -~]{{1,{max_bytes}}}")
    return Adapter(
        check=check,
        annotation=str,
        check_column=check_column,
        copied_as="scalar",
        schema={"type": "string"},
    )


def enum_adapter(labels: tuple[str, ...], *, required: bool = False) -> Adapter:
    """Return the adapter of an enum with these labels."""
    labels = tuple(label for label in labels if label or not required)
    known = frozenset(labels)

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, str) and not isinstance(value, Number) and value in known:
            return value
        return Fault("bad_enum", f"{show(value)} is not one of {', '.join(labels)}")

    return Adapter(
        check=check,
        annotation=Literal[labels] if labels else str,
        copied_as="scalar",
        schema={"type": "string", "enum": list(labels)},
    )


def uuid_adapter() -> Adapter:
    """Return the adapter of uuid: 32 hexadecimal digits, with the usual hyphens or without."""

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, str) and _uuid.fullmatch(value):
            return value
        return Fault("bad_uuid", f"{show(value)} is not a UUID")

    check_column = every_string_matches(UUID)
    return Adapter(
        check=check,
        annotation=str,
        check_column=check_column,
        copied_as="scalar",
        schema={"type": "string", "format": "uuid"},
    )


def bytes_adapter(*, required: bool = False) -> Adapter:
    r"""Return the adapter of bytea: base64 (RFC 4648, section 4) or PostgreSQL's \x form."""

    def check(value: Value) -> Canonical | Fault:
        if isinstance(value, str) and not isinstance(value, Number):
            if _hex.fullmatch(value):
                return base64.b64encode(bytes.fromhex(value[2:])).decode()
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                pass
            else:
                return value
        return Fault("bad_bytes", f"{show(value)} is not base64")

    return Adapter(
        check=check,
        annotation=Annotated[bytes, Meta(min_length=1)] if required else bytes,
        schema={"type": "string", "contentEncoding": "base64"},
    )


def opaque_adapter(type_name: str, *, required: bool) -> Adapter:
    """Return the adapter of a type without rules of its own: any text, PostgreSQL decides."""

    def check(value: Value) -> Canonical | Fault:
        if not isinstance(value, str) or isinstance(value, Number):
            return Fault("type_mismatch", f"expected {type_name} as a string, got {show(value)}")
        return refuse_text(value) or value

    return Adapter(
        check=check,
        annotation=Annotated[str, Meta(min_length=1)] if required else str,
        copied_as="scalar",
        schema={"type": "string"},
        exact=False,
    )
