"""A GGUF file's tensors as float32, a piece of a matrix at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from edgebench.backends import EngineError
from edgebench.models.llama import expected_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.models.gguf import Header
    from edgebench.models.llama import Dimensions

    Array: TypeAlias = NDArray[np.float32]

CHUNK_BYTES = 16 << 20


class Weights:
    """The tensors of a file, mapped; dequantized by gguf.quants when asked for."""

    def __init__(self, header: Header, shape: Dimensions) -> None:
        import numpy as np
        from gguf.constants import GGMLQuantizationType

        self._check_all_known(header, shape)
        self._bytes = np.memmap(header.path, dtype=np.uint8, mode="r")
        self._tensors = {t.name: t for t in header.tensors}
        self._types = {t.name: GGMLQuantizationType[t.type_name] for t in header.tensors}

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def vector(self, name: str) -> Array:
        return f32(self._dequantized(name, slice(None))[0])

    def rows(self, name: str, wanted: Sequence[int]) -> Array:
        """The rows `wanted` of a matrix: float32[len(wanted), inputs]."""
        return self._dequantized(name, list(wanted))

    def apply(self, name: str, x: Array) -> Array:
        """x @ W.T for a matrix W of float32[outputs, inputs], a piece of W at a time."""
        import numpy as np

        inputs, outputs = self._tensors[name].dims
        step = max(1, CHUNK_BYTES // (4 * inputs))
        y = np.empty((len(x), outputs), dtype=np.float32)
        for start in range(0, outputs, step):
            piece = slice(start, start + step)
            y[:, piece] = x @ self._dequantized(name, piece).T
        return y

    def _dequantized(self, name: str, rows: slice | list[int]) -> Array:
        from gguf.quants import dequantize

        tensor = self._tensors[name]
        raw = self._bytes[tensor.offset : tensor.offset + tensor.size_bytes]
        outputs = tensor.dims[1] if len(tensor.dims) > 1 else 1
        try:
            return f32(dequantize(raw.reshape(outputs, -1)[rows], self._types[name]))
        except NotImplementedError:
            raise EngineError(f"the reference cannot dequantize {tensor.type_name}") from None

    @staticmethod
    def _check_all_known(header: Header, shape: Dimensions) -> None:
        """A weight that the forward pass would ignore makes the reference wrong: refuse it."""
        known = {name for name, _ in expected_weights(shape)} | {"rope_freqs.weight"}
        if unknown := sorted({t.name for t in header.tensors} - known):
            raise EngineError(f"the reference does not know the tensor {unknown[0]!r}")


def f32(x: NDArray[Any]) -> Array:
    """`x` as float32, copied only where it is something else."""
    import numpy as np

    return np.asarray(x, dtype=np.float32)
