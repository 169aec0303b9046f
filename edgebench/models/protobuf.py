"""Protobuf's wire format (Encoding, protobuf.dev), read while believing none of its lengths.

Nothing is copied: a field's bytes are a view of the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Field: TypeAlias = "tuple[int, int | memoryview]"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_TEXT_BYTES = 1 << 16


class Malformed(ValueError):
    """The bytes are no such message. The text completes "not an ONNX model: ..."."""


def fields(data: memoryview) -> Iterator[Field]:
    """Field numbers with their integers or bytes, in the message's own order."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            size, at = _varint(data, at)
        if size is None or number == 0:
            raise Malformed(f"byte {at} begins no field")
        if size > len(data) - at:
            raise Malformed("it is cut off")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Malformed("it is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, at
    raise Malformed("a number has no end")


def as_integers(value: int | memoryview) -> list[int]:
    """A repeated integer: one, or several packed."""
    if isinstance(value, int):
        return [signed(value)]
    found, at = [], 0
    while at < len(value):
        integer, at = _varint(value, at)
        found.append(signed(integer))
    return found


def as_integer(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise Malformed("bytes stand where a number belongs")
    return value


def as_bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise Malformed("a number stands where bytes belong")
    return value


def as_text(value: int | memoryview) -> str:
    raw = as_bytes(value)
    if len(raw) > MAX_TEXT_BYTES:
        raise Malformed(f"a text of {len(raw)} bytes")
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise Malformed("a text is not UTF-8") from None


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
