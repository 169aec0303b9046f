"""The matrices of a GGUF file on their way into ONNX external data, a few MiB at a time.

Every piece is read back from what was packed and held against `gguf.quants.dequantize`: a matrix
is called lossless because each of its weights was found equal, in this very export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from edgebench.errors import BadModel
from edgebench.models import onnx_blocks
from edgebench.models.onnx_blocks import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from edgebench.models.gguf import Header, TensorInfo
    from edgebench.models.onnx_blocks import Blocks, Bytes, Floats, Layout
    from edgebench.models.onnx_data import DataFile, Region

PIECE_WEIGHTS = 1 << 20
FLOATS = ("F32", "F16", "BF16")


class Matrix(NamedTuple):
    """A stored matrix of `outputs` rows. Dense: `layout` is None and `data` holds floats[N, K]."""

    inputs: int
    outputs: int
    layout: Layout | None
    data: Region
    scales: Region | None = None
    offsets: Region | None = None


class Weights:
    """Copies matrices of `header`'s file to `data`; `derived` collects those that changed.

    `float_type` is what scales and dense weights are stored as: float32 or float16.
    """

    def __init__(
        self,
        header: Header,
        data: DataFile,
        *,
        float_type: type[np.float32] | type[np.float16],
        allow_derived: bool,
        advance: Callable[[int], None],
    ) -> None:
        self._header, self._data, self._advance = header, data, advance
        self._float_type, self._allow_derived = float_type, allow_derived
        self._bytes = np.memmap(header.path, dtype=np.uint8, mode="r")
        self.tensors = {t.name: t for t in header.tensors}
        self.derived: list[str] = []

    def type_of(self, name: str) -> str:
        return self.tensors[name].type_name

    def vector(self, name: str) -> Floats:
        """A small tensor: float32[n]."""
        return _dequantized(self.tensors[name], self._raw(self.tensors[name])).reshape(-1)

    def store_vector(self, name: str) -> Region:
        """A norm's gain, in `float_type`."""
        vector = self.vector(name)
        stored = self._cast(vector)
        self._compare(self.tensors[name], vector, stored.astype(np.float32))
        return self._data.add(name, stored)

    def store(self, name: str, parts: Sequence[str]) -> Matrix:
        """The matrices `parts`, of one type and width, stacked into one that is called `name`."""
        first = self.tensors[parts[0]]
        if first.type_name in FLOATS:
            return self._store_dense(name, parts)
        if first.type_name not in LAYOUTS:
            self._no_counterpart(first)
        return self._store_blocks(name, parts)

    def _store_dense(self, name: str, parts: Sequence[str]) -> Matrix:
        inputs, outputs = self._size(parts)
        region = self._data.reserve(name, self._float_type, (outputs, inputs))
        at = 0
        for tensor, raw in self._pieces(parts):
            weights = _dequantized(tensor, raw)
            stored = self._cast(weights)
            self._compare(tensor, weights, stored.astype(np.float32))
            self._data.write(region, at, stored)
            at += len(raw)
        return Matrix(inputs, outputs, None, region)

    def _store_blocks(self, name: str, parts: Sequence[str]) -> Matrix:
        inputs, outputs = self._size(parts)
        layout = self._layout(parts)
        blocks, block_bytes = inputs // layout.size, layout.size * layout.bits // 8
        data, reserve = self._data, self._data.reserve
        packed = reserve(name, np.uint8, (outputs, blocks, block_bytes))
        scales = reserve(f"{name}.scales", self._float_type, (outputs, blocks))
        offsets = np.empty((blocks, outputs), dtype=np.float32) if layout.offsets else None
        at = 0
        for tensor, raw in self._pieces(parts):
            found = self._repacked(tensor, raw, layout)
            data.write(packed, at, found.packed)
            data.write(scales, at, found.scales)
            if offsets is not None and found.offsets is not None:
                offsets[:, at : at + len(raw)] = found.offsets.T
            at += len(raw)
        stored = None if offsets is None else data.add(f"{name}.offsets", offsets)
        return Matrix(inputs, outputs, layout, packed, scales, stored)

    def _layout(self, parts: Sequence[str]) -> Layout:
        type_name = self.type_of(parts[0])
        if type_name not in LAYOUTS:
            return LAYOUTS["Q8_0"]
        pieces = (raw for _, raw in self._pieces(parts, told=False))
        return onnx_blocks.layout_of(type_name, pieces)

    def _repacked(self, tensor: TensorInfo, raw: Bytes, layout: Layout) -> Blocks:
        wanted = _dequantized(tensor, raw)
        type_name = tensor.type_name
        if type_name not in LAYOUTS:
            type_name, raw = "Q8_0", _as_q8_0(wanted)
        found = onnx_blocks.repack(type_name, raw, layout)
        found = found._replace(scales=self._cast(found.scales))
        self._compare(tensor, wanted, onnx_blocks.restore(found, layout.bits))
        return found

    def _cast(self, floats: Floats) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # what overflows is not equal afterwards
            return floats.astype(self._float_type)

    def _compare(self, tensor: TensorInfo, wanted: Floats, found: Floats) -> None:
        if tensor.name in self.derived or np.array_equal(wanted, found, equal_nan=True):
            return
        if not self._allow_derived:
            raise BadModel(
                f"{self._header.path}: tensor {tensor.name!r} ({tensor.type_name}) is not exact "
                f"in {np.dtype(self._float_type).name}.",
                "Choose other activations, or allow derived weights.",
            )
        self.derived.append(tensor.name)

    def _no_counterpart(self, tensor: TensorInfo) -> None:
        if not self._allow_derived:
            raise BadModel(
                f"{self._header.path}: tensor {tensor.name!r} has the type {tensor.type_name}, "
                "which ONNX Runtime cannot hold without loss.",
                f"Choose a file of {', '.join(sorted([*LAYOUTS, *FLOATS]))}, or allow derived "
                "weights.",
            )

    def _size(self, parts: Sequence[str]) -> tuple[int, int]:
        """Inputs, and outputs of all parts together."""
        return self.tensors[parts[0]].dims[0], sum(self.tensors[p].dims[1] for p in parts)

    def _pieces(
        self, parts: Sequence[str], *, told: bool = True
    ) -> Iterator[tuple[TensorInfo, Bytes]]:
        """Raw rows of the parts in turn, uint8[rows, bytes]."""
        for tensor in (self.tensors[part] for part in parts):
            raw = self._raw(tensor)
            step = max(1, PIECE_WEIGHTS // tensor.dims[0])
            for start in range(0, len(raw), step):
                piece = raw[start : start + step]
                yield tensor, piece
                if told:
                    self._advance(piece.size)

    def _raw(self, tensor: TensorInfo) -> Bytes:
        rows = tensor.dims[1] if len(tensor.dims) > 1 else 1
        return self._bytes[tensor.offset : tensor.offset + tensor.size_bytes].reshape(rows, -1)


def _dequantized(tensor: TensorInfo, raw: Bytes) -> Floats:
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    try:
        with np.errstate(all="ignore"):  # damaged weights: verification says so
            found = dequantize(raw, GGMLQuantizationType[tensor.type_name])
    except NotImplementedError:
        raise BadModel(
            f"Tensor {tensor.name!r} has the type {tensor.type_name}, which cannot be read here.",
            f"Choose a file of {', '.join(sorted([*LAYOUTS, *FLOATS]))}.",
        ) from None
    return np.asarray(found, dtype=np.float32)


def _as_q8_0(weights: Floats) -> Bytes:
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import quantize

    return np.asarray(quantize(weights, GGMLQuantizationType.Q8_0), dtype=np.uint8)
