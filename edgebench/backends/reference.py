"""A LLaMA forward pass in float32 NumPy: what every engine's output is held against.

Slow and plain, to be read beside the papers: the network is LLaMA (Touvron et al. 2023,
arXiv:2302.13971), made of RMSNorm (Zhang & Sennrich 2019, arXiv:1910.07467), rotary position
embedding (Su et al. 2021, arXiv:2104.09864), grouped-query attention (Ainslie et al. 2023,
arXiv:2305.13245) and SwiGLU (Shazeer 2020, arXiv:2002.05202). Names and layout of the weights
are those of the GGUF specification (ggml, docs/gguf.md).

As the reference it leaves weights in the file, mapped, and dequantizes a piece of a matrix at a
time, so memory is bounded by the KV cache and the logits, not by the model (`load_mode` "mmap").
Measured as an engine it holds them all as float32 ("read"): NumPy and its BLAS, and no more.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from edgebench.backends import About, Dispatched, EngineError, WrongIsaError
from edgebench.backends.reference_blas import Blas, hold_threads
from edgebench.backends.reference_weights import Weights, f32
from edgebench.models.gguf import read_header
from edgebench.models.llama import dimensions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.backends import LoadOptions
    from edgebench.models.gguf import Header
    from edgebench.models.llama import Dimensions

    Array: TypeAlias = NDArray[np.float32]

ISA = "numpy"
Rope = Literal["interleaved", "neox"]


class Reference:
    """The backend. It has no tokenizer, one sequence, and one "instruction set": `numpy`.

    `rope` is for tests that must see verification fail: GGUF files of the LLaMA architecture
    hold query and key rows permuted for interleaved pairs, so "neox" is wrong for them.
    """

    formats = frozenset({"gguf"})
    settings: frozenset[str] = frozenset()

    def __init__(self, *, rope: Rope = "interleaved") -> None:
        self._rope: Rope = rope

    def why_not(self) -> str | None:
        return None

    def about(self) -> About:
        return About(
            name="reference", version=f"numpy {metadata.version('numpy')}", build="float32"
        )

    def known_isas(self) -> tuple[str, ...]:
        return (ISA,)

    def isas(self) -> tuple[str, ...]:
        return (ISA,)

    def why_not_device(self, device: str) -> str | None:
        return None if device == "cpu" else "The reference runs on the CPU only."

    @contextmanager
    def load(self, file: Path, options: LoadOptions) -> Iterator[ReferenceSession]:
        """Check and map `file`. Raises BadModel, or EngineError for what is not implemented."""
        if options.isa != ISA:
            raise WrongIsaError(f"the reference runs on {ISA!r} only, not {options.isa!r}")
        import numpy as np  # noqa: F401 - maps the BLAS whose threads are held

        blas = hold_threads(options.threads)
        yield ReferenceSession(read_header(file), options, self._rope, blas)


class ReferenceSession:
    """One sequence over one model. Logits are fresh arrays that nothing overwrites."""

    def __init__(self, header: Header, options: LoadOptions, rope: Rope, blas: Blas) -> None:
        self._shape, self._blas = dimensions(header), blas
        self._resident = options.load_mode == "read"
        self._weights = Weights(header, self._shape, resident=self._resident)
        self._cache = _KvCache(self._shape, options.context_tokens)
        self._frequencies = rope_frequencies(self._shape, self._weights)
        self._rope = rope

    @property
    def kv_cache_bytes(self) -> int | None:
        return self._cache.size_bytes

    def dispatched(self) -> Dispatched:
        weights = "resident" if self._resident else "mapped"
        return Dispatched(ISA, self._blas.library, (*self._blas.features, f"weights={weights}"))

    def reset(self) -> None:
        self._cache.used = 0

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Array:
        states = self._forward(tokens)
        logits = self._head(states if every else states[-1:])
        return logits if every else logits[0]

    def decode(self, tokens: Sequence[int]) -> Array:
        if len(tokens) != 1:
            raise EngineError(f"the reference runs one sequence, not {len(tokens)}")
        return self._head(self._forward(tokens))

    def tokenize(self, text: str) -> list[int]:
        raise EngineError(f"the reference has no tokenizer for {text[:20]!r}")

    def _forward(self, tokens: Sequence[int]) -> Array:
        """Hidden states float32[tokens, hidden] before the last norm; their keys are cached."""
        import numpy as np

        self._check(tokens)
        positions = np.arange(self._cache.used, self._cache.used + len(tokens))
        x = self._weights.rows("token_embd.weight", tokens)
        with np.errstate(all="ignore"):  # damaged weights may overflow; verification sees NaN
            for layer in range(self._shape.layers):
                x = x + self._attention(layer, self._norm(x, f"blk.{layer}.attn_norm"), positions)
                x = x + self._feed_forward(layer, self._norm(x, f"blk.{layer}.ffn_norm"))
        self._cache.used += len(tokens)
        return x

    def _head(self, states: Array) -> Array:
        import numpy as np

        name = "token_embd" if self._shape.tied_embeddings else "output"
        with np.errstate(all="ignore"):
            return self._weights.apply(f"{name}.weight", self._norm(states, "output_norm"))

    def _norm(self, x: Array, name: str) -> Array:
        """RMSNorm: x / sqrt(mean(x^2) + epsilon), times a learned gain."""
        import numpy as np

        mean_square = np.mean(x * x, axis=-1, keepdims=True)
        gain = self._weights.vector(f"{name}.weight")
        return f32(x / np.sqrt(mean_square + np.float32(self._shape.rms_epsilon)) * gain)

    def _attention(self, layer: int, x: Array, positions: NDArray[np.int64]) -> Array:
        shape, apply = self._shape, self._weights.apply
        queries = _heads(apply(f"blk.{layer}.attn_q.weight", x), shape.heads)
        keys = _heads(apply(f"blk.{layer}.attn_k.weight", x), shape.kv_heads)
        values = _heads(apply(f"blk.{layer}.attn_v.weight", x), shape.kv_heads)
        queries = rotate(queries, positions, self._frequencies, self._rope)
        keys = rotate(keys, positions, self._frequencies, self._rope)
        all_keys, all_values = self._cache.append(layer, keys, values)
        mixed = attend(queries, all_keys, all_values, positions)
        return apply(f"blk.{layer}.attn_output.weight", mixed)

    def _feed_forward(self, layer: int, x: Array) -> Array:
        """SwiGLU: down(silu(gate(x)) * up(x))."""
        import numpy as np

        gate = self._weights.apply(f"blk.{layer}.ffn_gate.weight", x)
        up = self._weights.apply(f"blk.{layer}.ffn_up.weight", x)
        silu = gate / (1 + np.exp(-gate))
        return self._weights.apply(f"blk.{layer}.ffn_down.weight", silu * up)

    def _check(self, tokens: Sequence[int]) -> None:
        if not tokens:
            raise EngineError("no tokens were given")
        if self._cache.used + len(tokens) > self._cache.context_tokens:
            raise EngineError(f"the context of {self._cache.context_tokens} tokens is full")
        if not all(0 <= token < self._shape.vocabulary for token in tokens):
            raise EngineError(f"a token is outside the vocabulary of {self._shape.vocabulary}")


def rotate(x: Array, positions: NDArray[np.int64], frequencies: NDArray[Any], rope: Rope) -> Array:
    """RoPE: turn pair i of each head in x, float32[heads, tokens, head_dim], by position * f_i.

    A pair is (2i, 2i + 1) where `rope` is "interleaved", (i, i + n/2) where it is "neox". The
    angles are float64. Dimensions beyond the n = 2 * len(frequencies) rotated ones stay.
    """
    import numpy as np

    rotated = 2 * len(frequencies)
    halves = (slice(0, rotated, 2), slice(1, rotated, 2))
    if rope == "neox":
        halves = (slice(0, rotated // 2), slice(rotated // 2, rotated))
    angles = np.outer(positions, frequencies)
    cos, sin = f32(np.cos(angles)), f32(np.sin(angles))
    a, b = x[..., halves[0]], x[..., halves[1]]
    turned = x.copy()
    turned[..., halves[0]] = a * cos - b * sin
    turned[..., halves[1]] = a * sin + b * cos
    return turned


def attend(queries: Array, keys: Array, values: Array, positions: NDArray[np.int64]) -> Array:
    """Causal grouped-query attention: float32[tokens, heads * head_dim].

    `queries` are float32[heads, tokens, head_dim], `keys` and `values` float32[kv_heads, seen,
    head_dim]; consecutive query heads share a key-value head. A token sees positions up to its
    own.
    """
    import numpy as np

    group = len(queries) // len(keys)
    hidden = np.arange(keys.shape[1]) > positions[:, None]
    mixed = np.empty_like(queries)
    for head, query in enumerate(queries):
        scores = query @ keys[head // group].T / np.float32(np.sqrt(query.shape[-1]))
        scores[hidden] = -np.inf
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed[head] = scores / scores.sum(axis=-1, keepdims=True) @ values[head // group]
    return f32(mixed.transpose(1, 0, 2).reshape(len(positions), -1))


class _KvCache:
    """Keys and values of every layer. Memory is taken as positions are filled."""

    def __init__(self, shape: Dimensions, context_tokens: int) -> None:
        import numpy as np

        size = (shape.layers, shape.kv_heads, context_tokens, shape.head_dim)
        self._keys = np.zeros(size, dtype=np.float32)
        self._values = np.zeros(size, dtype=np.float32)
        self.context_tokens = context_tokens
        self.used = 0

    @property
    def size_bytes(self) -> int:
        return self._keys.nbytes + self._values.nbytes

    def append(self, layer: int, keys: Array, values: Array) -> tuple[Array, Array]:
        """Store those of the new tokens; all so far: float32[kv_heads, seen, head_dim] each."""
        end = self.used + keys.shape[1]
        self._keys[layer, :, self.used : end] = keys
        self._values[layer, :, self.used : end] = values
        return self._keys[layer, :, :end], self._values[layer, :, :end]


def rope_frequencies(shape: Dimensions, weights: Weights) -> NDArray[Any]:
    """Radians per position and pair, float64: base^(-2i/n), stretched as the file asks."""
    import numpy as np

    if shape.rope_scaling not in ("none", "linear"):
        raise EngineError(f"edgebench has no RoPE scaling of type {shape.rope_scaling!r}")
    exponents = np.arange(0, shape.rope_dim, 2) / shape.rope_dim
    frequencies = shape.rope_base**-exponents
    if shape.rope_scaling == "linear":
        frequencies = frequencies / shape.rope_factor
    if "rope_freqs.weight" in weights:
        factors = weights.vector("rope_freqs.weight")
        if factors.shape != frequencies.shape:
            raise EngineError(f"rope_freqs.weight has {factors.size} factors")
        frequencies = frequencies / factors
    return frequencies


def _heads(x: Array, heads: int) -> Array:
    """float32[tokens, heads * head_dim] -> float32[heads, tokens, head_dim]."""
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)
