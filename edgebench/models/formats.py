"""Weight formats by the name people use, and which tensor type each of them really means.

A format such as Q4_K_M is a recipe: most matrices get one type, some a finer one. The rules are
those of llama.cpp's own quantizer (`llama_tensor_get_type_impl` and `tensor_type_fallback` in
src/llama-quant.cpp of llama.cpp 0.5.0, as vendored in llama-cpp-python 0.3.36) for the LLaMA
architecture without an importance matrix. tests/real/test_quantize.py holds them against it.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType, LlamaFileType

from edgebench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edgebench.schema.model import Shape

# The type that most matrices of a format get.
BASE = {
    "F32": "F32", "F16": "F16", "BF16": "BF16",
    "Q4_0": "Q4_0", "Q4_1": "Q4_1", "Q5_0": "Q5_0", "Q5_1": "Q5_1", "Q8_0": "Q8_0",
    "IQ4_NL": "IQ4_NL", "Q2_K": "Q2_K", "Q3_K_S": "Q3_K", "Q3_K_M": "Q3_K", "Q3_K_L": "Q3_K",
    "Q4_K_S": "Q4_K", "Q4_K_M": "Q4_K", "Q5_K_S": "Q5_K", "Q5_K_M": "Q5_K", "Q6_K": "Q6_K",
}  # fmt: skip
FLOATS = frozenset({"F32", "F16", "BF16"})
# What takes the place of a type of 256 weights a block where rows do not divide by 256.
FALLBACK = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
SMALL_BLOCK = 32
MANY_LAYERS = 80  # llama.cpp's "70B", whose attn_v is eight times smaller than attn_q


class Matrix(NamedTuple):
    """A weight matrix of the network. `layer` is None for the embedding and the output."""

    kind: str
    layer: int | None
    inputs: int
    outputs: int

    @property
    def name(self) -> str:
        """The tensor's name in a GGUF file."""
        prefix = "" if self.layer is None else f"blk.{self.layer}."
        return f"{prefix}{self.kind}.weight"


def find_format(name: str) -> str:
    """The format's own spelling, whatever the case. Raises UnknownName with the closest one."""
    for known in BASE:
        if known.lower() == name.lower():
            return known
    raise UnknownName.of("weight format", name, BASE)


def file_type(quant: str) -> int:
    """The number that stands for the format in a file's `general.file_type`."""
    prefix = "ALL" if quant == "F32" else "MOSTLY"
    return int(LlamaFileType[f"{prefix}_{quant}"])


def matrices(shape: Shape) -> tuple[Matrix, ...]:
    """Every matrix of the network, in the order in which llama.cpp's converter writes them."""
    keys = shape.hidden // shape.heads * shape.kv_heads
    inside = {
        "attn_q": (shape.hidden, shape.hidden),
        "attn_k": (shape.hidden, keys),
        "attn_v": (shape.hidden, keys),
        "attn_output": (shape.hidden, shape.hidden),
        "ffn_gate": (shape.hidden, shape.ffn),
        "ffn_up": (shape.hidden, shape.ffn),
        "ffn_down": (shape.ffn, shape.hidden),
    }
    found = [Matrix("token_embd", None, shape.hidden, shape.vocabulary)]
    for layer in range(shape.layers):
        found += [Matrix(kind, layer, *dims) for kind, dims in inside.items()]
    if not shape.tied_embeddings:
        found.append(Matrix("output", None, shape.hidden, shape.vocabulary))
    return tuple(found)


def check_shape(shape: Shape, quant: str) -> None:
    """Raises BadInput, with the remedy, for a network that cannot be, or not in that format."""
    if shape.hidden % shape.heads:
        raise BadInput(
            f"{shape.heads} heads cannot share {shape.hidden} hidden dimensions evenly.",
            "Choose a number of heads that divides them.",
        )
    if shape.heads % shape.kv_heads:
        raise BadInput(
            f"{shape.heads} heads cannot share {shape.kv_heads} key-value heads evenly.",
            "Choose a number of key-value heads that divides the number of heads.",
        )
    if shape.hidden // shape.heads % 2:
        raise BadInput(
            f"Heads of {shape.hidden // shape.heads} dimensions cannot be rotated in pairs.",
            "Choose a number of heads that leaves an even head size.",
        )
    for rows in (shape.hidden, shape.ffn):
        if quant not in FLOATS and rows % SMALL_BLOCK:
            raise BadInput(
                f"Rows of {rows} weights cannot be cut into the blocks of {SMALL_BLOCK} that "
                f"{quant} is made of.",
                "Choose F16, BF16 or F32 for this shape.",
            )


def matrix_type(matrix: Matrix, shape: Shape, quant: str) -> str:
    """The tensor type that llama.cpp's quantizer gives `matrix` in a file of that format."""
    wanted = BASE[quant]
    if quant in FLOATS:
        return wanted
    if matrix.kind == "output" or (matrix.kind == "token_embd" and shape.tied_embeddings):
        wanted = "Q8_0" if matrix.inputs % block_of(wanted)[0] or wanted == "Q8_0" else "Q6_K"
    elif matrix.kind == "attn_v":
        wanted = _values_type(matrix.layer or 0, shape, quant)
    elif matrix.kind == "ffn_down":
        wanted = _down_type(matrix.layer or 0, shape.layers, quant)
    elif matrix.kind == "attn_output":
        wanted = {"Q2_K": "Q3_K", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K"}.get(quant, wanted)
    return FALLBACK[wanted] if matrix.inputs % block_of(wanted)[0] else wanted


def block_of(type_name: str) -> tuple[int, int]:
    """Weights in a block of that tensor type, and bytes of a block."""
    weights, size_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    return weights, size_bytes


def size_of(type_name: str, weights: int) -> int:
    """Bytes of so many weights in that type."""
    block, size_bytes = block_of(type_name)
    return weights // block * size_bytes


def histogram(types: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Weights per tensor type, the commonest type first, from (type, weights) of every matrix."""
    found: Counter[str] = Counter()
    for type_name, weights in types:
        found[type_name] += weights
    return dict(found.most_common())


def held(shape: Shape, quant: str) -> dict[str, int]:
    """What a file of that format really holds: weights per type, norms left out."""
    return histogram(
        (matrix_type(m, shape, quant), math.prod((m.inputs, m.outputs))) for m in matrices(shape)
    )


def label(quant: str, holds: Mapping[str, int]) -> str:
    """`Q4_K_M`, or `Q4_K_M-as-Q5_0` where most weights of the file have another type."""
    commonest = max(holds, key=lambda name: holds[name])
    return quant if commonest == BASE[quant] else f"{quant}-as-{commonest}"


def warning(quant: str, holds: Mapping[str, int]) -> str | None:
    """A sentence where the file holds another type than its format's name says, else None."""
    base = BASE[quant]
    commonest = max(holds, key=lambda name: holds[name])
    if commonest == base:
        return None
    share = holds[commonest] / sum(holds.values())
    return (
        f"{quant} was asked for, but rows of this model do not divide into blocks of "
        f"{block_of(base)[0]}: llama.cpp's rules make {share:.0%} of the weights {commonest}, and "
        "the file is named so."
    )


def _values_type(layer: int, shape: Shape, quant: str) -> str:
    grouped = shape.heads // shape.kv_heads >= 4
    wanted = BASE[quant]
    if quant == "Q2_K":
        wanted = "Q4_K" if grouped else "Q3_K"
    elif quant == "Q3_K_M":
        wanted = "Q5_K" if layer < 2 else "Q4_K"
    elif quant == "Q3_K_L" or (quant == "IQ4_NL" and grouped):
        wanted = "Q5_K"
    elif quant in ("Q4_K_M", "Q5_K_M") and _gets_more_bits(layer, shape.layers):
        wanted = "Q6_K"
    elif quant == "Q4_K_S" and layer < 4:
        wanted = "Q5_K"
    large = shape.layers == MANY_LAYERS and shape.heads != shape.kv_heads
    return "Q5_K" if large and wanted in ("Q3_K", "Q4_K") else wanted


def _down_type(layer: int, layers: int, quant: str) -> str:
    early = layer < layers // 8
    more = _gets_more_bits(layer, layers)
    choices = {
        "Q2_K": "Q3_K",
        "Q3_K_M": "Q5_K" if layer < layers // 16 else "Q4_K",
        "Q3_K_L": "Q5_K",
        "Q4_K_S": "Q5_K" if early else "Q4_K",
        "Q4_K_M": "Q6_K" if more else "Q4_K",
        "Q5_K_M": "Q6_K" if more else "Q5_K",
        "IQ4_NL": "Q5_K" if early else "IQ4_NL",
    }
    return choices.get(quant, BASE[quant])


def _gets_more_bits(layer: int, layers: int) -> bool:
    """llama.cpp's `use_more_bits`: the first and last eighth, and every third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
