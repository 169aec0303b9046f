"""A GGUF file's tensors as float32, a piece of a matrix at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from edgebench.backends import EngineError
from edgebench.models.llama import expected_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.models.gguf import Header
    from edgebench.models.llama import Dimensions

    Array: TypeAlias = NDArray[np.float32]

CHUNK_BYTES = 16 << 20


class Weights:
    """The tensors of a file, mapped; dequantized by gguf.quants when asked for.

    With `resident` every matrix is dequantized now, and held: memory for the whole model.
    """

    def __init__(self, header: Header, shape: Dimensions, *, resident: bool = False) -> None:
        import numpy as np
        from gguf.constants import GGMLQuantizationType

        self._check_all_known(header, shape)
        self._bytes = np.memmap(header.path, dtype=np.uint8, mode="r")
        self._tensors = {t.name: t for t in header.tensors}
        self._types = {t.name: GGMLQuantizationType[t.type_name] for t in header.tensors}
        self._held: dict[str, Array] = {}
        if resident:
            self._held = {t.name: self.matrix(t.name) for t in header.tensors if len(t.dims) > 1}

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def vector(self, name: str) -> Array:
        return f32(self._dequantized(name, slice(None))[0])

    def rows(self, name: str, wanted: Sequence[int]) -> Array:
        """The rows `wanted` of a matrix: float32[len(wanted), inputs]."""
        if name in self._held:
            return self._held[name][list(wanted)]
        return self._dequantized(name, list(wanted))

    def matrix(self, name: str) -> Array:
        """A whole matrix, float32[outputs, inputs]; only a piece of it is there twice."""
        import numpy as np

        whole = np.empty(self._tensors[name].dims[::-1], dtype=np.float32)
        for piece in self._pieces(name):
            whole[piece] = self._dequantized(name, piece)
        return whole

    def apply(self, name: str, x: Array) -> Array:
        """x @ W.T for a matrix W of float32[outputs, inputs], a piece of W at a time."""
        import numpy as np

        if name in self._held:
            return x @ self._held[name].T
        y = np.empty((len(x), self._tensors[name].dims[1]), dtype=np.float32)
        for piece in self._pieces(name):
            y[:, piece] = x @ self._dequantized(name, piece).T
        return y

    def _pieces(self, name: str) -> Iterator[slice]:
        """Rows of a matrix, CHUNK_BYTES of float32 at a time."""
        inputs, outputs = self._tensors[name].dims
        step = max(1, CHUNK_BYTES // (4 * inputs))
        return (slice(start, start + step) for start in range(0, outputs, step))

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
