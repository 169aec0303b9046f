"""The recipe of a synthetic model file: which tensors it has, and how their values are spread.

The network is built so that verification bites on it. Matrices have deviation 1/sqrt(inputs), so
that activations keep their size; what layers add to the residual stream is as large as the
embedding, all layers together, so that rounding errors do not grow from layer to layer; the last
norm has gains of random sign, so that a tied head does not simply answer with the token that was
asked; and its size gives the logits an entropy of some nats, as a real model has on real text
(measured: 4.0 for the twin of smollm2-135m, 3.5 for the model itself).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Self

from edgebench.models import formats

if TYPE_CHECKING:
    from edgebench.schema.model import Shape

EMBEDDING = 8.0  # the deviation of embeddings; large, so that block scales are no subnormals
SHARPNESS = 2.0  # the deviation of attention scores: some positions are looked at, most are not
SWIGLU = 0.6  # the size of silu(a) * b for normal a and b
# Comes out about 2.5 nats larger, at 50,000 tokens: the formula is for infinitely many.
ENTROPY = 1.2


class Tensor(NamedTuple):
    """One tensor to write. A norm has deviation None: gains between 0.75 and 1.25."""

    name: str
    dims: tuple[int, ...]
    type_name: str
    deviation: float | None
    scale: float = 1.0
    signed: bool = False

    @property
    def weights(self) -> int:
        return math.prod(self.dims)

    @property
    def size_bytes(self) -> int:
        return formats.size_of(self.type_name, self.weights)


class Recipe(NamedTuple):
    """Everything that decides the bytes of the file."""

    shape: Shape
    quant: str
    seed: int
    title: str
    tensors: tuple[Tensor, ...]

    @classmethod
    def of(cls, shape: Shape, quant: str, seed: int, title: str) -> Self:
        """Raises UnknownName for the format, BadInput for an impossible shape."""
        known = formats.find_format(quant)
        formats.check_shape(shape, known)
        return cls(shape, known, seed, title, plan(shape, known))


def plan(shape: Shape, quant: str) -> tuple[Tensor, ...]:
    """Every tensor of the file, norms included, with its type and how its values are spread."""
    found = [
        Tensor(
            name=matrix.name,
            dims=(matrix.inputs, matrix.outputs),
            type_name=formats.matrix_type(matrix, shape, quant),
            deviation=_spread(matrix, shape),
        )
        for matrix in formats.matrices(shape)
    ]
    norms = [f"blk.{n}.{kind}_norm" for n in range(shape.layers) for kind in ("attn", "ffn")]
    found += [Tensor(f"{name}.weight", (shape.hidden,), "F32", None) for name in norms]
    last = logit_deviation(shape.vocabulary) / (EMBEDDING * math.sqrt(shape.hidden))
    found.append(Tensor("output_norm.weight", (shape.hidden,), "F32", None, last, signed=True))
    return tuple(found)


def logit_deviation(vocabulary: int) -> float:
    """The deviation of normal logits whose softmax has an entropy of about ENTROPY nats.

    Over V normal logits of deviation s the entropy is ln V - s^2 / 2 (the random-energy model,
    Derrida 1981, above its freezing).
    """
    return math.sqrt(2 * max(0.5, math.log(vocabulary) - ENTROPY))


def _spread(matrix: formats.Matrix, shape: Shape) -> float:
    if matrix.layer is None:
        return EMBEDDING
    added = EMBEDDING / math.sqrt(2 * shape.layers)
    sizes = {"attn_q": SHARPNESS, "attn_output": added, "ffn_down": added / SWIGLU}
    size = sizes.get(matrix.kind, 1.0)
    return size / math.sqrt(matrix.inputs)
