"""What one token costs a dense transformer: bytes read, bytes kept, floating-point operations.

Decoding is bound by the bytes of weights and KV cache that one token has to read, prefill by
arithmetic. The counts follow from the shape and the tensor types alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from edgebench.models import formats

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgebench.models.gguf import Header
    from edgebench.schema.model import Shape

# Of 32 values, which is what quantized types have a scale for.
KV_BLOCK, KV_BLOCK_BYTES = 32, {"f16": 64, "f32": 128, "q8_0": 34, "q4_0": 18}
EMBEDDING = "token_embd.weight"


class Weight(NamedTuple):
    """One tensor of a file; `dims` are GGUF's, the contiguous one first."""

    name: str
    type_name: str
    dims: tuple[int, ...]
    size_bytes: int


def weights_in(header: Header) -> tuple[Weight, ...]:
    """The tensors of a file."""
    return tuple(Weight(t.name, t.type_name, t.dims, t.size_bytes) for t in header.tensors)


def weights_of(shape: Shape, quant: str) -> tuple[Weight, ...]:
    """The tensors that llama.cpp's quantizer would make of such a network.

    Raises UnknownName for the format, BadInput for an impossible shape.
    """
    known = formats.find_format(quant)
    formats.check_shape(shape, known)
    found = []
    for matrix in formats.matrices(shape):
        type_name = formats.matrix_type(matrix, shape, known)
        size_bytes = formats.size_of(type_name, matrix.inputs * matrix.outputs)
        found.append(Weight(matrix.name, type_name, (matrix.inputs, matrix.outputs), size_bytes))
    norms = [f"blk.{n}.{kind}_norm" for n in range(shape.layers) for kind in ("attn", "ffn")]
    found += [
        Weight(f"{name}.weight", "F32", (shape.hidden,), 4 * shape.hidden)
        for name in (*norms, "output_norm")
    ]
    return tuple(found)


def tensor_types(weights: Iterable[Weight]) -> dict[str, int]:
    """How many tensors there are of each type, by name."""
    found: dict[str, int] = {}
    for weight in weights:
        found[weight.type_name] = found.get(weight.type_name, 0) + 1
    return dict(sorted(found.items()))


def read_bytes_per_token(shape: Shape, weights: Iterable[Weight]) -> int:
    """Bytes of weights that decoding one token reads: every matrix and norm once.

    Of the embedding one row is read; where it is also the output head (tied), all of it as well.
    """
    total = 0
    for weight in weights:
        if weight.name != EMBEDDING or shape.tied_embeddings:
            total += weight.size_bytes
        if weight.name == EMBEDDING:
            total += weight.size_bytes // shape.vocabulary
    return total


def kv_bytes_per_token(shape: Shape, kv_type: str = "f16") -> int:
    """Bytes that one more token adds to the KV cache: a key and a value per layer and KV head.

    Decoding reads this much for every token that is already there (Shazeer 2019,
    arXiv:1911.02150, and Ainslie et al. 2023, arXiv:2305.13245, for shared key-value heads).
    """
    width = shape.hidden // shape.heads * shape.kv_heads
    return 2 * shape.layers * width * KV_BLOCK_BYTES[kv_type] // KV_BLOCK


def flops_per_token(shape: Shape, context_tokens: int) -> int:
    """Floating-point operations of one token that sees `context_tokens` tokens, itself included.

    A multiply-add counts as two: 2 for every weight of every matrix, the head included and the
    embedding's look-up not, as in Kaplan et al. 2020 (arXiv:2001.08361, section 2.1); and for
    attention 2 for the scores and 2 for the weighted sum, each per layer, hidden dimension and
    visible token (Hoffmann et al. 2022, arXiv:2203.15556, appendix F). Norms, softmax, rotary
    embedding and activation functions are left out: below 1 % together.
    """
    matrices = sum(
        m.inputs * m.outputs
        for m in formats.matrices(shape)
        if m.kind != "token_embd" or shape.tied_embeddings
    )
    return 2 * matrices + 4 * shape.layers * shape.hidden * context_tokens


def parameters(weights: Iterable[Weight]) -> int:
    """All weights of the file, norms included."""
    return sum(math.prod(weight.dims) for weight in weights)
