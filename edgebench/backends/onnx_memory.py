"""The KV cache of our own graphs: one block of memory a layer and kind, written in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.backends.onnx_session import nbytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Shape = tuple[int, int, int, int]


class KvCache:
    """Keys and values of every layer, [sequences, kv_heads, context, head_dim] each.

    A sequence's part of each is contiguous, so that a call can work on one of them or on all.
    """

    def __init__(
        self, names: Sequence[tuple[str, str]], shape: Shape, dtype: np.dtype[Any], device: str
    ) -> None:
        """`names` are pairs of the graph's past input and its present output."""
        self._names, self._shape, self._dtype, self._device = names, shape, dtype, device
        self._kept = [_allocate(shape, dtype, device) for _ in self._names]

    @property
    def size_bytes(self) -> int:
        return len(self._names) * nbytes(self._shape, self._dtype.itemsize)

    @property
    def dtype(self) -> str:
        return self._dtype.name

    def bind(self, binding: Any, sequence: int | None) -> None:
        """Bind past and present of one sequence, or of all, to the same memory."""
        shape = self._shape if sequence is None else (1, *self._shape[1:])
        skip = (sequence or 0) * nbytes(self._shape[1:], self._dtype.itemsize)
        for (past, present), (_, pointer) in zip(self._names, self._kept, strict=True):
            place = (self._device, 0, self._dtype, shape, pointer + skip)
            binding.bind_input(past, *place)
            binding.bind_output(present, *place)


def bind_array(binding: Any, name: str, array: NDArray[Any], *, output: bool = False) -> None:
    """Bind an array of this process. It must outlive the binding, which keeps a pointer only."""
    bind = binding.bind_output if output else binding.bind_input
    bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)


def _allocate(shape: Shape, dtype: np.dtype[Any], device: str) -> tuple[Any, int]:
    """What owns the memory, and where it begins. On the CPU pages are taken as they are filled."""
    if device == "cpu":
        import numpy as np

        array = np.zeros(shape, dtype=dtype)
        return array, array.ctypes.data
    import onnxruntime as ort

    value = ort.OrtValue.ortvalue_from_shape_and_type(shape, dtype, device, 0)
    return value, value.data_ptr()
