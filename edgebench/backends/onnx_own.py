"""A session over a graph that edgebench exported (edgebench/models/onnx_graph.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.backends.onnx_memory import KvCache, bind_array
from edgebench.backends.onnx_session import check_room, check_tokens, dispatched, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.backends import Dispatched, LoadOptions, Logits
    from edgebench.models.onnx_check import Facts


class OwnSession:
    """One model, `options.sequences` sequences that advance together.

    With several, a prompt is appended to each of them, one after the other; a decode step is one
    call for all. Logits are views of memory that the next call overwrites.
    """

    def __init__(self, session: Any, facts: Facts, options: LoadOptions) -> None:
        import numpy as np

        self._session, self._facts, self._prepacked = session, facts, options.prepacked
        self._context, self._chunk = options.context_tokens, options.ubatch_tokens
        self._sequences, self._device = options.sequences, options.device
        self._vocabulary = _fact(facts, "vocabulary")
        self._used = 0
        if self._context > _fact(facts, "context"):
            raise EngineError(
                f"the graph has positions for {_fact(facts, 'context')} tokens, not {self._context}"
            )
        shape = (self._sequences, _fact(facts, "kv_heads"), self._context, _fact(facts, "head_dim"))
        kv_type = np.dtype("float16" if facts.activations == "fp16" else "float32")
        names = [
            (f"past_{kind}_{layer}", f"present_{kind}_{layer}")
            for layer in range(_fact(facts, "layers"))
            for kind in ("key", "value")
        ]
        self._cache = KvCache(names, shape, kv_type, self._device)
        self._step = _Call(self, 1, [0], None)
        self._calls: dict[tuple[int, int, int], _Call] = {}

    @property
    def kv_cache_bytes(self) -> int:
        return self._cache.size_bytes

    def dispatched(self) -> Dispatched:
        return dispatched(self._session, self._facts, self._cache.dtype, prepacked=self._prepacked)

    def reset(self) -> None:
        self._used = 0

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        """Append `tokens` to every sequence, in chunks; logits are those of the first one."""
        check_tokens(tokens, self._vocabulary)
        check_room(len(tokens), self._used, self._context)
        for sequence in reversed(range(self._sequences)):
            found = self._append(tokens, sequence, every=every)
        self._used += len(tokens)
        return found if every else found[-1]

    def decode(self, tokens: Sequence[int]) -> Logits:
        if len(tokens) != self._sequences:
            raise EngineError(f"{len(tokens)} tokens for {self._sequences} sequences")
        check_tokens(tokens, self._vocabulary)
        check_room(1, self._used, self._context)
        logits = self._step(tokens, self._used)
        self._used += 1
        return logits

    def tokenize(self, text: str) -> list[int]:
        raise EngineError(f"an ONNX graph has no tokenizer for {text[:20]!r}")

    def _append(self, tokens: Sequence[int], sequence: int, *, every: bool) -> Logits:
        import numpy as np

        rows = []
        for start in range(0, len(tokens), self._chunk):
            piece = tokens[start : start + self._chunk]
            call = self._call(len(piece), sequence, every=every)
            logits = call(piece, self._used + start)
            rows.append(logits.copy() if every else logits)
        return np.concatenate(rows) if every else rows[-1]

    def _call(self, count: int, sequence: int, *, every: bool) -> _Call:
        """The call for a chunk of that length, bound once and kept: chunks repeat."""
        key = (count, sequence, int(every))
        if key not in self._calls:
            wanted = list(range(count)) if every else [count - 1]
            self._calls[key] = _Call(self, count, wanted, sequence)
        return self._calls[key]


class _Call:
    """One shape of call, bound to memory of its own.

    On the CPU nothing is allocated or bound per token. For a GPU ONNX Runtime copies an input when
    it is bound (IOBinding::BindInput) and never looks at our memory again: what changes is bound
    anew for each call.
    """

    def __init__(
        self, owner: OwnSession, count: int, wanted: Sequence[int], sequence: int | None
    ) -> None:
        import numpy as np

        rows = owner._sequences if sequence is None else 1
        self._session, self._count = owner._session, count
        self._ids = np.zeros((rows, count), dtype=np.int64)
        self._seen = np.zeros(rows, dtype=np.int32)
        self._total = np.zeros((), dtype=np.int32)
        self._wanted = np.array(wanted, dtype=np.int64)
        self._logits: NDArray[np.float32] = np.zeros(
            (rows, len(wanted), owner._vocabulary), dtype=np.float32
        )
        self._flat = self._logits.reshape(-1, owner._vocabulary)
        self._binding = self._session.io_binding()
        changing = (
            ("input_ids", self._ids),
            ("seqlens_k", self._seen),
            ("total_len", self._total),
        )
        for name, array in (*changing, ("out_idx", self._wanted)):
            bind_array(self._binding, name, array)
        self._bound_anew = () if owner._device == "cpu" else changing
        bind_array(self._binding, "logits", self._logits, output=True)
        owner._cache.bind(self._binding, sequence)

    def __call__(self, tokens: Sequence[int], used: int) -> Logits:
        """Logits float32[rows * wanted, vocabulary] after appending to `used` tokens.

        `tokens` are one for each row, or all of one row.
        """
        self._ids.reshape(-1)[:] = tokens
        end = used + self._count
        self._seen.fill(end - 1)
        self._total[()] = end
        for name, array in self._bound_anew:
            bind_array(self._binding, name, array)
        run(self._session, self._binding)
        return self._flat


def _fact(facts: Facts, key: str) -> int:
    try:
        return int(facts.metadata[f"edgebench.{key}"])
    except (KeyError, ValueError):
        raise EngineError(f"the graph does not say its {key}") from None
