"""From the tensors of a GGUF file to those of transformers' LLaMA. NumPy only, no torch.

GGUF files of the LLaMA architecture hold query and key rows permuted, so that RoPE turns pairs
(2i, 2i + 1); transformers turns pairs (i, i + n/2) and wants them back where they were
(`permute` in llama.cpp's convert_hf_to_gguf.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from edgebench.backends import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.backends.reference_weights import Weights
    from edgebench.models.llama import Dimensions

    Array: TypeAlias = NDArray[np.float32]

PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
TOPS = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


class Source(NamedTuple):
    """A tensor's name in each of the two, and how many heads' rows are permuted in it; 0: none."""

    gguf: str
    transformers: str
    permuted_heads: int


def configuration(shape: Dimensions) -> dict[str, Any]:
    """The arguments of LlamaConfig. Rotation frequencies are not among them (see `network`).

    Raises EngineError where transformers' LLaMA is not the network of the file.
    """
    if shape.rope_dim != shape.head_dim:
        raise EngineError(
            f"the LLaMA of transformers rotates whole heads, and this file {shape.rope_dim} of "
            f"{shape.head_dim} dimensions"
        )
    if shape.hidden % shape.heads:
        raise EngineError(
            f"the LLaMA of transformers does not take {shape.heads} heads of a hidden state of "
            f"{shape.hidden}"
        )
    return {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.rms_epsilon,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_base},
        "tie_word_embeddings": shape.tied_embeddings,
        "attn_implementation": "eager",
    }


def sources(names: Iterable[str], shape: Dimensions) -> Iterator[Source]:
    """Where each of `names`, those of `models.llama.expected_weights`, belongs."""
    for name in names:
        if name in TOPS:
            yield Source(name, TOPS[name], 0)
        else:
            _, layer, part, _ = name.split(".")
            heads = {"attn_q": shape.heads, "attn_k": shape.kv_heads}.get(part, 0)
            yield Source(name, f"model.layers.{layer}.{PARTS[part]}.weight", heads)


def tensor(weights: Weights, source: Source) -> Array:
    """A vector, or a matrix float32[outputs, inputs], as transformers holds it."""
    if source.gguf.endswith("_norm.weight"):
        return weights.vector(source.gguf).copy()
    matrix = weights.matrix(source.gguf)
    return unpermuted(matrix, source.permuted_heads) if source.permuted_heads else matrix


def unpermuted(matrix: Array, heads: int) -> Array:
    """Rows (0, 1, 2, 3, ...) of each head in the order (0, 2, ..., 1, 3, ...)."""
    import numpy as np

    pairs = matrix.reshape(heads, -1, 2, matrix.shape[1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(matrix.shape)
