"""Everything that comes before the weights in a synthetic GGUF file.

`edgebench.weights` and `edgebench.seed` say in the file itself what it is: llama.cpp's quantizer
keeps them, and so does a copy without its sidecar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gguf import GGUFWriter
from gguf.constants import GGMLQuantizationType

from edgebench.models import formats
from edgebench.models.made import SEED_KEY, SYNTHETIC, WEIGHTS_KEY
from edgebench.models.vocabulary import SMALLEST, TYPES, tokens

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.recipe import Recipe

ALIGNMENT = 32
RMS_EPSILON = 1e-5


def write_header(path: Path, recipe: Recipe) -> None:
    """Begin the file at `path`; the first tensor's bytes follow right behind what is written."""
    writer = GGUFWriter(path, "llama")
    _add_metadata(writer, recipe)
    for tensor in recipe.tensors:
        writer.add_tensor_info(
            tensor.name,
            tensor.dims[::-1],
            np.dtype(np.float16),  # only its not being uint8 matters: the dims are not of bytes
            tensor.size_bytes,
            GGMLQuantizationType[tensor.type_name],
        )
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        writer.close()
    with path.open("ab") as stream:
        stream.write(bytes(padded(stream.tell()) - stream.tell()))


def header_bytes(recipe: Recipe) -> int:
    """An upper bound: 40 bytes a token, 128 a tensor, and 4 KiB for the rest."""
    return 40 * recipe.shape.vocabulary + 128 * len(recipe.tensors) + 4096


def padded(size: int) -> int:
    """`size` rounded up to where the next tensor may begin."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _add_metadata(writer: Any, recipe: Recipe) -> None:
    shape = recipe.shape
    writer.add_name(f"{recipe.title}, synthetic weights")
    writer.add_string(WEIGHTS_KEY, SYNTHETIC)
    writer.add_uint64(SEED_KEY, recipe.seed)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(RMS_EPSILON)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.hidden // shape.heads)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(formats.file_type(recipe.quant))
    writer.add_quantization_version(2)
    _add_vocabulary(writer, shape.vocabulary)


def _add_vocabulary(writer: Any, size: int) -> None:
    """Without room for all bytes there is no tokenizer; token ids are fed as they are."""
    if size < SMALLEST:
        writer.add_tokenizer_model("no_vocab")
        return
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens(size))
    writer.add_token_scores([0.0] * size)
    writer.add_token_types(TYPES + [1] * (size - len(TYPES)))
    writer.add_add_space_prefix(False)
