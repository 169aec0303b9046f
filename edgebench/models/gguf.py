"""The header of a GGUF file, read by the parent before any engine opens it.

Follows the GGUF specification (ggml, docs/gguf.md), versions 2 and 3, little-endian. Engines are
C and C++ programs that believe most of what a file says; this reader believes nothing: whatever
is not consistent with the file's size and with itself is BadModel, one sentence and its remedy.
"""

from __future__ import annotations

import math
import stat
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import BadInput, BadModel
from edgebench.models.gguf_bytes import Cursor

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.gguf_bytes import Value

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_ENTRIES = 1 << 16
MAX_DIMS = 4
DEFAULT_ALIGNMENT = 32


class TensorInfo(NamedTuple):
    """Where a tensor lies. `dims` are GGUF's, the contiguous one first; `offset` counts from 0."""

    name: str
    dims: tuple[int, ...]
    type_name: str
    offset: int
    size_bytes: int


class Header(NamedTuple):
    """Everything before the weights. All tensors lie inside the file and none overlap.

    Long arrays and texts in `metadata` are `Elided`: their type and length.
    """

    path: Path
    version: int
    metadata: dict[str, Value]
    tensors: tuple[TensorInfo, ...]
    alignment: int
    data_offset: int
    file_bytes: int


def read_header(path: Path) -> Header:
    """The header of the GGUF file at `path`, checked against the file's size.

    Reads at most 64 MiB and keeps far less, however the file lies. Raises BadModel for a file
    that is no sound GGUF, BadInput for one that is missing or unreadable. The file may change
    after the check: the answer is about the bytes that were read.
    """
    file_bytes = _regular_file_size(path)
    try:
        with path.open("rb", buffering=1 << 20) as stream:
            cursor = Cursor(stream, path, file_bytes)
            return _header(cursor, path, file_bytes)
    except OSError as error:
        raise _unreadable(path, error) from None


def _regular_file_size(path: Path) -> int:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(found.st_mode):
        raise BadModel(f"{path}: not a file.", "Give the path of a GGUF file.")
    return found.st_size


def _unreadable(path: Path, error: OSError | ValueError) -> BadInput:
    reason = error.strerror if isinstance(error, OSError) else error
    return BadInput(f"{path}: {reason}.", "Check the path.")


def _header(cursor: Cursor, path: Path, file_bytes: int) -> Header:
    _check_magic(cursor, file_bytes)
    version = _version(cursor)
    tensor_count = _entries(cursor, "tensors", least_bytes=32)
    metadata = _metadata(cursor, _entries(cursor, "metadata entries", least_bytes=13))
    alignment = _alignment(cursor, metadata)
    placed = [_tensor(cursor, alignment) for _ in range(tensor_count)]
    data_offset = -(-cursor.position // alignment) * alignment
    tensors = tuple(t._replace(offset=t.offset + data_offset) for t in placed)
    _check_layout(cursor, tensors, file_bytes)
    return Header(path, version, metadata, tensors, alignment, data_offset, file_bytes)


def _check_magic(cursor: Cursor, file_bytes: int) -> None:
    magic = cursor.number("<I").to_bytes(4, "little") if file_bytes >= len(MAGIC) else b""
    if magic != MAGIC:
        cursor.lie("not a GGUF file" + (" (it is empty)" if file_bytes == 0 else ""))


def _version(cursor: Cursor) -> int:
    version = cursor.number("<I")
    if version & 0xFFFF == 0 and version:
        cursor.lie("a big-endian GGUF file, which is not supported")
    if version not in VERSIONS:
        cursor.lie(f"GGUF version {version}, where 2 and 3 are supported")
    return version


def _entries(cursor: Cursor, what: str, least_bytes: int) -> int:
    count = cursor.count(what, least_bytes)
    if count > MAX_ENTRIES:
        cursor.lie(f"{count} {what} are announced, more than {MAX_ENTRIES}")
    return count


def _metadata(cursor: Cursor, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = cursor.text("a metadata key")
        if key in metadata:
            cursor.lie(f"the metadata key {key!r} occurs twice")
        metadata[key] = cursor.value(key)
    return metadata


def _alignment(cursor: Cursor, metadata: dict[str, Value]) -> int:
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(alignment) is not int or alignment < 1 or alignment & (alignment - 1):
        cursor.lie(f"general.alignment is {str(alignment)[:20]!r}, not a power of two")
    return alignment


def _tensor(cursor: Cursor, alignment: int) -> TensorInfo:
    name = cursor.text("a tensor name")
    dims = _dims(cursor, name)
    kind = cursor.number("<I")
    offset = cursor.number("<Q")
    if offset % alignment:
        cursor.lie(f"tensor {name!r} is not aligned to {alignment} bytes")
    type_name, block, block_bytes = _block_of(cursor, name, kind)
    if dims[0] % block:
        cursor.lie(f"tensor {name!r} has rows of {dims[0]}, no multiple of {type_name}'s {block}")
    return TensorInfo(name, dims, type_name, offset, math.prod(dims) // block * block_bytes)


def _dims(cursor: Cursor, name: str) -> tuple[int, ...]:
    count = cursor.number("<I")
    if not 1 <= count <= MAX_DIMS:
        cursor.lie(f"tensor {name!r} has {count} dimensions, not 1 to {MAX_DIMS}")
    dims = tuple(cursor.number("<Q") for _ in range(count))
    if 0 in dims or math.prod(dims) >= 1 << 63:
        cursor.lie(f"tensor {name!r} has impossible dimensions {dims}")
    return dims


def _block_of(cursor: Cursor, name: str, kind: int) -> tuple[str, int, int]:
    """The type's name, the elements of a block, and a block's bytes."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    if kind not in set(GGMLQuantizationType):
        cursor.lie(f"tensor {name!r} has the type {kind}, which is not known")
    found = GGMLQuantizationType(kind)
    return (found.name, *GGML_QUANT_SIZES[found])


def _check_layout(cursor: Cursor, tensors: tuple[TensorInfo, ...], file_bytes: int) -> None:
    names: set[str] = set()
    for tensor in tensors:
        if tensor.name in names:
            cursor.lie(f"the tensor {tensor.name!r} occurs twice")
        names.add(tensor.name)
        end = tensor.offset + tensor.size_bytes
        if end > file_bytes:
            problem = f"tensor {tensor.name!r} ends at byte {end} of a file of {file_bytes}"
            cursor.lie(f"{problem}, so it is truncated")
    for one, other in pairwise(sorted(tensors, key=lambda t: t.offset)):
        if one.offset + one.size_bytes > other.offset:
            cursor.lie(f"the tensors {one.name!r} and {other.name!r} overlap")
