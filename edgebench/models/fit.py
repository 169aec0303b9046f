"""Whether a model will fit into memory, foretold before an engine touches the file.

Four parts are added up, in bytes, for llama.cpp on CPUs:

- weights: the tensors, once. Some matrices are copied into another layout when they are loaded
  ("repacked"); the mapped originals are then file pages that the kernel can drop, so the copy
  takes their place and is not counted on top. Against a limit on address space it is: there the
  mapping counts whether it is resident or not.
- kv: the cache of keys and values for the whole context, which llama.cpp rounds up to 256 tokens.
- compute: the buffer that llama.cpp lays out for its largest step. With u tokens in a step
  (`ubatch_tokens`, at most the context), c positions and V, h, f the sizes of vocabulary, hidden
  and feed-forward layer:

      4 u (c + max(V + 3 h, 2 f + 3 h, heads c + 6 h)) + 64 KiB

  that is, the attention mask, and the largest of the logits, the feed-forward step, and the
  attention scores, whose `heads c` flash attention does without. Made to fit what llama.cpp
  0.5.0 logs as `CPU compute buffer size`, in MiB, formula in brackets: smollm2-135m at context
  2048 102.5 (103.4), TinyLlama 70.5 (78.5), without flash attention 153.0 (156.0), a network of
  4 layers of 256 6.5 (7.5), without 38.8 (39.0). tests/real/test_synthetic.py holds it to that.
- process: the interpreter, NumPy and the engine's libraries.

An estimate: it errs on the large side by some ten MiB, and a model that it refuses can be run
with --force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.machine import limits
from edgebench.models import cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from edgebench.models.cost import Weight
    from edgebench.schema.cell import Options
    from edgebench.schema.model import Shape

PROCESS_BYTES = 64 << 20
# What the same process reserves of address space, much of it never touched: libraries, stacks.
PROCESS_ADDRESS_BYTES = 216 << 20
CONTEXT_STEP = 256
REPACK_ROWS = 8
# Types that `ggml_repack_get_optimal_repack_type` (ggml-cpu/repack.cpp) has a layout for, on the
# CPUs that have the most of them: AVX-512 on x86, dot products on ARM.
REPACKED = {
    "x86_64": frozenset({"Q4_0", "Q4_K", "IQ4_NL", "Q2_K"}),
    "aarch64": frozenset({"Q4_0", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "Q8_0"}),
}


class Fit(NamedTuple):
    """`parts` add up to `needed_bytes`. `of` says what the available bytes are those of."""

    needed_bytes: int
    available_bytes: int
    parts: Mapping[str, int]
    of: str


def predict(
    shape: Shape,
    weights: Iterable[Weight],
    options: Options,
    *,
    context_tokens: int,
    available_bytes: int,
    machine: str,
) -> Fit:
    """What a worker needs for a context of so many tokens, held against what is available.

    `machine` is `platform.machine()`. Where `options` limit the worker's address space and that
    limit is the tighter one, the answer is about it.
    """
    weights = tuple(weights)
    parts = {
        "weights": sum(weight.size_bytes for weight in weights),
        "kv": _rounded(context_tokens) * cost.kv_bytes_per_token(shape, options.kv_type),
        "compute": compute_bytes(shape, options, context_tokens),
        "process": PROCESS_BYTES,
    }
    memory = Fit(sum(parts.values()), available_bytes, parts, "memory")
    if options.memory_limit_bytes is None:
        return memory
    copied = repacked_bytes(weights, machine) if options.load_mode == "mmap" else 0
    parts = parts | {"repacked copy": copied, "process": PROCESS_ADDRESS_BYTES}
    address = Fit(sum(parts.values()), options.memory_limit_bytes, parts, "address space")
    return min(memory, address, key=lambda fit: fit.available_bytes - fit.needed_bytes)


def why_not(fit: Fit) -> str | None:
    """A sentence with the numbers where it will not fit, else None."""
    if fit.needed_bytes <= fit.available_bytes:
        return None
    parts = ", ".join(f"{name} {_mib(size)}" for name, size in fit.parts.items() if size)
    return (
        f"It needs about {_mib(fit.needed_bytes)} MiB of {fit.of} ({parts}), "
        f"{_mib(fit.available_bytes)} MiB are available; --force tries it all the same."
    )


def available_bytes(root: Path) -> int:
    """Memory that a new process can use without swapping: the kernel's own estimate, at most the
    cgroup's limit. `root` is where /proc and /sys lie.
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    limit = limits.memory_limit_bytes(root)
    if limit is None:
        return free
    return min(free, max(0, limit - limits.memory_used_bytes(root)))


def compute_bytes(shape: Shape, options: Options, context_tokens: int) -> int:
    """llama.cpp's compute buffer by the formula above."""
    positions = _rounded(context_tokens)
    step = min(options.ubatch_tokens, positions)
    scores = 0 if options.flash_attention else shape.heads * positions
    widest = max(
        shape.vocabulary + 3 * shape.hidden,
        2 * shape.ffn + 3 * shape.hidden,
        scores + 6 * shape.hidden,
    )
    return 4 * step * (positions + widest) + (64 << 10)


def repacked_bytes(weights: Iterable[Weight], machine: str) -> int:
    """Bytes of the matrices that llama.cpp copies into another layout, at most.

    The embedding is looked up, not multiplied, so it stays as it is, tied or not.
    """
    types = REPACKED.get(machine, frozenset[str]())
    return sum(
        weight.size_bytes
        for weight in weights
        if weight.type_name in types
        and weight.name != cost.EMBEDDING
        and len(weight.dims) > 1
        and weight.dims[1] % REPACK_ROWS == 0
    )


def _rounded(context_tokens: int) -> int:
    return -(-context_tokens // CONTEXT_STEP) * CONTEXT_STEP


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.0f}"
