"""A session over a graph that others exported, as Optimum and the GenAI model builder do.

Their convention: `input_ids`, `attention_mask`, perhaps `position_ids`, and for every layer
`past_key_values.N.key|value` in, `logits` and `present.N.key|value` out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.backends.onnx_memory import KvCache, bind_array
from edgebench.backends.onnx_session import check_room, check_tokens, dispatched, nbytes, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.backends import Dispatched, LoadOptions, Logits
    from edgebench.models.onnx_check import Facts

_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16"}
_KNOWN = ("input_ids", "attention_mask", "position_ids")
_MANY = 1 << 62


class Signature:
    """Names and sizes of such a graph. Raises EngineError that names what is missing or unknown."""

    def __init__(self, session: Any) -> None:
        self._inputs = {each.name: each for each in session.get_inputs()}
        self.outputs = {each.name: each for each in session.get_outputs()}
        self.past = [name for name in self._inputs if name.startswith("past_key_values.")]
        self._check()
        first = self._inputs[self.past[0]]
        self.kv_heads, self.head_dim = self._whole(first, 1), self._whole(first, 3)
        self.kv_type = _TYPES.get(first.type, "")
        if not self.kv_type:
            raise EngineError(f"its KV cache is a {first.type}, where floats are supported")
        self.has_positions = "position_ids" in self._inputs
        self.pairs = [(name, _present(name)) for name in self.past]

    @property
    def vocabulary(self) -> int:
        """Of the logits; where the graph does not say, a number that no token reaches."""
        last = self.outputs["logits"].shape[-1]
        return last if isinstance(last, int) else _MANY

    def _check(self) -> None:
        for name in ("input_ids", "attention_mask"):
            if name not in self._inputs:
                raise EngineError(f"the graph has no input {name!r}, so it cannot be fed")
        if not self.past:
            raise EngineError("the graph has no input 'past_key_values.0.key': it keeps no cache")
        for name in ["logits", *map(_present, self.past)]:
            if name not in self.outputs:
                raise EngineError(f"the graph has no output {name!r}, so it cannot be read")
        if unknown := sorted(set(self._inputs) - {*_KNOWN, *self.past}):
            raise EngineError(f"the graph wants an input {unknown[0]!r} that edgebench cannot give")

    @staticmethod
    def _whole(value: Any, axis: int) -> int:
        found = value.shape[axis] if len(value.shape) == 4 else None
        if not isinstance(found, int):
            raise EngineError(f"{value.name} has the shape {value.shape}: its size is unknown")
        return found


class ForeignSession:
    """One sequence. Logits are fresh arrays.

    Where attention is ONNX Runtime's GroupQueryAttention the cache is shared in place; elsewhere
    each call makes the next cache out of the last one, which takes time that grows with it.
    """

    def __init__(self, session: Any, facts: Facts, options: LoadOptions) -> None:
        if options.sequences != 1:
            raise EngineError("a graph made by others runs one sequence here")
        self._session, self._facts = session, facts
        self._context, self._chunk = options.context_tokens, options.ubatch_tokens
        self._prepacked, self._device = options.prepacked, options.device
        self._signature = Signature(session)
        attention = facts.operators.get("GroupQueryAttention", 0)
        self._shares = attention * 2 == len(self._signature.past)
        self._cache = self._shared() if self._shares else None
        self._growing: list[Any] = []
        self.reset()

    @property
    def kv_cache_bytes(self) -> int:
        element = {"float32": 4, "float16": 2}[self._signature.kv_type]
        return len(self._signature.past) * nbytes(self._shape(self._context), element)

    def dispatched(self) -> Dispatched:
        kv_type = self._signature.kv_type
        return dispatched(self._session, self._facts, kv_type, prepacked=self._prepacked)

    def reset(self) -> None:
        import numpy as np
        import onnxruntime as ort

        self._used = 0
        if not self._shares:
            empty = np.zeros(self._shape(0), dtype=self._signature.kv_type)
            self._growing = [ort.OrtValue.ortvalue_from_numpy(empty) for _ in self._signature.past]

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        import numpy as np

        check_tokens(tokens, self._signature.vocabulary)
        check_room(len(tokens), self._used, self._context)
        rows: list[Logits] = [
            self._append(tokens[start : start + self._chunk])
            for start in range(0, len(tokens), self._chunk)
        ]
        if not every:
            last: Logits = rows[-1][-1]
            return last
        found = np.concatenate(rows)
        if len(found) != len(tokens):
            raise EngineError("the graph gives logits of the last token only")
        return found

    def decode(self, tokens: Sequence[int]) -> Logits:
        if len(tokens) != 1:
            raise EngineError(f"{len(tokens)} tokens for one sequence")
        check_tokens(tokens, self._signature.vocabulary)
        check_room(len(tokens), self._used, self._context)
        return self._append(tokens)[-1:]

    def tokenize(self, text: str) -> list[int]:
        raise EngineError(f"an ONNX graph has no tokenizer for {text[:20]!r}")

    def _append(self, tokens: Sequence[int]) -> Logits:
        """Logits float32[positions, vocabulary] of those that the graph gives."""
        import numpy as np

        end = self._used + len(tokens)
        arrays: dict[str, NDArray[np.int64]] = {
            "input_ids": np.array([tokens], dtype=np.int64),
            "attention_mask": np.ones((1, end), dtype=np.int64),
        }
        if self._signature.has_positions:
            arrays["position_ids"] = np.arange(self._used, end, dtype=np.int64)[None]
        binding = self._session.io_binding()
        for name, array in arrays.items():
            bind_array(binding, name, array)
        binding.bind_output("logits", "cpu")
        self._bind_cache(binding)
        run(self._session, binding)
        logits, *present = binding.get_outputs()
        self._used = end
        self._growing = [] if self._shares else present
        found: NDArray[np.float32] = np.asarray(logits.numpy()[0], dtype=np.float32)
        return found

    def _bind_cache(self, binding: Any) -> None:
        if self._cache is not None:
            self._cache.bind(binding, None)
            return
        for (past, present), value in zip(self._signature.pairs, self._growing, strict=True):
            binding.bind_ortvalue_input(past, value)
            binding.bind_output(present, self._device)

    def _shared(self) -> KvCache:
        import numpy as np

        kind = np.dtype(self._signature.kv_type)
        return KvCache(self._signature.pairs, self._shape(self._context), kind, self._device)

    def _shape(self, positions: int) -> tuple[int, int, int, int]:
        return (1, self._signature.kv_heads, positions, self._signature.head_dim)


def _present(past: str) -> str:
    return past.replace("past_key_values.", "present.", 1)
