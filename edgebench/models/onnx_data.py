"""The file of external data beside an ONNX graph: regions, filled piece by piece."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

ALIGNMENT = 4096  # a page: the engine maps the file


class Region(NamedTuple):
    """A tensor's place in the file, in bytes; `shape` is row-major."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int

    @property
    def length(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class DataFile:
    """Regions lie one behind the other on page boundaries. Nothing written is kept in memory."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is None:
            self._stream.truncate(self._end)
        self._stream.close()

    def reserve(self, name: str, dtype: Any, shape: tuple[int, ...]) -> Region:
        """A place for a tensor whose rows come later."""
        offset = -(-self._end // ALIGNMENT) * ALIGNMENT
        region = Region(name, np.dtype(dtype), shape, offset)
        self._end = offset + region.length
        return region

    def write(self, region: Region, first_row: int, rows: NDArray[Any]) -> None:
        """Rows of `region` from `first_row` on. Raises OSError when the disk refuses."""
        row_bytes = region.length // region.shape[0]
        self._stream.seek(region.offset + first_row * row_bytes)
        self._stream.write(np.ascontiguousarray(rows, dtype=region.dtype).data)

    def add(self, name: str, array: NDArray[Any]) -> Region:
        """A whole tensor."""
        region = self.reserve(name, array.dtype, array.shape)
        self.write(region, 0, array)
        return region
