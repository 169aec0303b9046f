"""Metadata values out of a GGUF file's bytes, believing none of its lengths.

The layout is that of the GGUF specification (ggml, docs/gguf.md): little-endian, strings and
arrays prefixed by 64-bit lengths. Every length is held against the bytes that are left before
anything is allocated, so a lie costs neither memory nor time.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from edgebench.errors import BadModel

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

MAX_HEADER_BYTES = 64 << 20  # a vocabulary of 262144 tokens with its merges needs about 16 MiB
MAX_KEPT_BYTES = 64 << 10
MAX_KEPT_ELEMENTS = 1024
MAX_NAME_BYTES = 256
STRING, ARRAY, BOOL = 8, 9, 7
SCALARS = {
    0: ("UINT8", "<B"),
    1: ("INT8", "<b"),
    2: ("UINT16", "<H"),
    3: ("INT16", "<h"),
    4: ("UINT32", "<I"),
    5: ("INT32", "<i"),
    6: ("FLOAT32", "<f"),
    BOOL: ("BOOL", "<B"),
    10: ("UINT64", "<Q"),
    11: ("INT64", "<q"),
    12: ("FLOAT64", "<d"),
}


class Elided(NamedTuple):
    """Stands for an array or a text too long to keep: its type and how many elements it has."""

    type_name: str
    length: int


Scalar: TypeAlias = bool | int | float | str
Value: TypeAlias = Scalar | list[Scalar] | Elided


class Cursor:
    """Reads forward through a header. Whatever does not fit in the file raises BadModel."""

    def __init__(self, stream: BinaryIO, path: Path, file_bytes: int) -> None:
        self._stream = stream
        self._path = path
        self._file_bytes = file_bytes
        self.position = 0

    def lie(self, problem: str) -> NoReturn:
        """Raise BadModel: `problem` completes a sentence that begins with the file's name."""
        raise BadModel(f"{self._path}: {problem}.", "Fetch the file again, or use another one.")

    def number(self, form: str) -> int:
        """An integer of `struct` form."""
        value = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return int(value)

    def count(self, what: str, least_bytes: int) -> int:
        """A 64-bit count of things of at least `least_bytes` each, all of which could be there."""
        value = self.number("<Q")
        if value * least_bytes > self._left():
            self.lie(f"{value} {what} are announced, more than the rest of the file could hold")
        return value

    def text(self, what: str, limit: int = MAX_NAME_BYTES) -> str:
        """A UTF-8 string of at most `limit` bytes."""
        size = self.count(f"bytes of {what}", 1)
        if size > limit:
            self.lie(f"{what} of {size} bytes is longer than {limit}")
        return self._decode(self._take(size), what)

    def value(self, key: str) -> Value:
        """A value behind its 32-bit type."""
        kind = self.number("<I")
        if kind == ARRAY:
            return self._array(key)
        if kind == STRING:
            return self._long_text(key)
        return self._scalar(kind, key)

    def _scalar(self, kind: int, key: str) -> Scalar:
        form = self._form(kind, key)
        value: int | float = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        if kind != BOOL:
            return value
        if value not in (0, 1):
            self.lie(f"{key!r} is a truth value of {value}")
        return bool(value)

    def _long_text(self, key: str) -> Value:
        size = self.count(f"bytes of {key!r}", 1)
        if size > MAX_KEPT_BYTES:
            self._skip(size)
            return Elided("STRING", size)
        return self._decode(self._take(size), repr(key))

    def _array(self, key: str) -> Value:
        kind = self.number("<I")
        if kind == ARRAY:
            self.lie(f"{key!r} is an array of arrays, which no engine reads")
        if kind == STRING:
            return self._texts(key)
        form = self._form(kind, key)
        length = self.count(f"elements of {key!r}", struct.calcsize(form))
        if length > MAX_KEPT_ELEMENTS:
            self._skip(length * struct.calcsize(form))
            return Elided(SCALARS[kind][0], length)
        return [self._scalar(kind, key) for _ in range(length)]

    def _texts(self, key: str) -> Value:
        length = self.count(f"strings of {key!r}", 8)
        if length <= MAX_KEPT_ELEMENTS:
            return [self.text(f"a string of {key!r}", MAX_KEPT_BYTES) for _ in range(length)]
        for _ in range(length):
            self._skip(self.count(f"bytes in a string of {key!r}", 1))
        return Elided("STRING", length)

    def _form(self, kind: int, key: str) -> str:
        if kind not in SCALARS:
            self.lie(f"{key!r} has the value type {kind}, which GGUF does not define")
        return SCALARS[kind][1]

    def _decode(self, raw: bytes, what: str) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self.lie(f"{what} is not UTF-8")

    def _take(self, size: int) -> bytes:
        self._advance(size)
        raw = self._stream.read(size)
        if len(raw) != size:
            self.lie("the file became shorter while it was read")
        return raw

    def _skip(self, size: int) -> None:
        self._advance(size)
        self._stream.seek(size, 1)

    def _advance(self, size: int) -> None:
        if size > self._left():
            self.lie(f"the header is cut off at byte {self._file_bytes}")
        self.position += size
        if self.position > MAX_HEADER_BYTES:
            self.lie(f"the header is larger than {MAX_HEADER_BYTES >> 20} MiB")

    def _left(self) -> int:
        return self._file_bytes - self.position
