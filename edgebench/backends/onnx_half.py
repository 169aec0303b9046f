"""ONNX Runtime on one half of a graph that was cut at a layer (edgebench/models/onnx_split.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.backends.onnx_memory import KvCache, bind_array
from edgebench.backends.onnx_session import open_session, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.backends import LoadOptions

    Array = NDArray[Any]


class Half:
    """`facts` is the metadata of the whole graph; `layers` are those of this half, in order.

    The first half takes token ids int64[n] and gives hidden states float32[n, hidden]; the second
    takes those and gives the logits after the last, float32[1, vocabulary]. What is given out is
    overwritten by the next call of the same length.
    """

    def __init__(
        self, path: Path, facts: Mapping[str, str], options: LoadOptions, layers: range
    ) -> None:
        import numpy as np

        self._session = open_session(path, options)
        self.is_first = any(each.name == "input_ids" for each in self._session.get_inputs())
        self._hidden, self._vocabulary = (_fact(facts, name) for name in ("hidden", "vocabulary"))
        shape = (1, _fact(facts, "kv_heads"), options.context_tokens, _fact(facts, "head_dim"))
        names = [
            (f"past_{kind}_{layer}", f"present_{kind}_{layer}")
            for layer in layers
            for kind in ("key", "value")
        ]
        self._cache = KvCache(names, shape, np.dtype("float32"), options.device)
        self._calls: dict[int, _Call] = {}

    def __call__(self, given: Array, used: int) -> NDArray[np.float32]:
        """Append `given` to `used` tokens. Raises EngineError."""
        count = len(given)
        if count not in self._calls:
            self._calls[count] = _Call(self, count)
        return self._calls[count](given, used)


class _Call:
    """One length of call, bound to memory of its own."""

    def __init__(self, owner: Half, count: int) -> None:
        import numpy as np

        self._session, self._count = owner._session, count
        self._given: Array
        self._result: NDArray[np.float32]
        if owner.is_first:
            self._given = np.zeros((1, count), dtype=np.int64)
            self._result = np.zeros((1, count, owner._hidden), dtype=np.float32)
        else:
            self._given = np.zeros((1, count, owner._hidden), dtype=np.float32)
            self._result = np.zeros((1, 1, owner._vocabulary), dtype=np.float32)
        self._seen = np.zeros(1, dtype=np.int32)
        self._total = np.zeros((), dtype=np.int32)
        self._wanted = np.array([count - 1], dtype=np.int64)
        self._binding = self._session.io_binding()
        self._bind(owner)

    def _bind(self, owner: Half) -> None:
        names = ("input_ids", "hidden") if owner.is_first else ("hidden", "logits")
        bind_array(self._binding, names[0], self._given)
        bind_array(self._binding, names[1], self._result, output=True)
        bind_array(self._binding, "seqlens_k", self._seen)
        bind_array(self._binding, "total_len", self._total)
        if not owner.is_first:
            bind_array(self._binding, "out_idx", self._wanted)
        owner._cache.bind(self._binding, None)

    def __call__(self, given: Array, used: int) -> NDArray[np.float32]:
        self._given[0] = given
        end = used + self._count
        self._seen.fill(end - 1)
        self._total[()] = end
        run(self._session, self._binding)
        states: NDArray[np.float32] = self._result[0]
        return states


def _fact(facts: Mapping[str, str], key: str) -> int:
    return int(facts[f"edgebench.{key}"])
