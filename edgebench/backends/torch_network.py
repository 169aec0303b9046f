"""LlamaForCausalLM of transformers, made from a GGUF header and filled with its weights."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.backends.reference import rope_frequencies
from edgebench.backends.reference_weights import Weights
from edgebench.backends.torch_weights import configuration, sources, tensor
from edgebench.models.llama import dimensions, expected_weights

if TYPE_CHECKING:
    from edgebench.backends import LoadOptions
    from edgebench.models.gguf import Header
    from edgebench.models.llama import Dimensions

OUTPUT, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def network(header: Header, options: LoadOptions) -> Any:
    """The network on the device and in the precision of `options`, every weight set.

    Raises BadModel or EngineError for a file whose network it is not.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = dimensions(header)
    weights = Weights(header, shape)
    with torch.device("meta"):  # nothing is allocated, nor drawn at random
        model = LlamaForCausalLM(LlamaConfig(**configuration(shape)))
    model.load_state_dict(_state(weights, shape, options), assign=True, strict=True)
    frequencies = torch.tensor(
        rope_frequencies(shape, weights), dtype=torch.float32, device=options.device
    )
    rotary = model.model.rotary_emb
    rotary.inv_freq = rotary.original_inv_freq = frequencies
    _check_filled(model)
    return model.eval().requires_grad_(requires_grad=False)


def _state(weights: Weights, shape: Dimensions, options: LoadOptions) -> dict[str, Any]:
    """transformers' tensors by name; a tied output is the embedding's own memory."""
    import torch

    kind = {"fp32": torch.float32, "fp16": torch.float16}[options.activations]
    names = (name for name, _ in expected_weights(shape))
    state = {
        source.transformers: torch.from_numpy(tensor(weights, source)).to(options.device, kind)
        for source in sources(names, shape)
    }
    state.setdefault(OUTPUT, state[EMBEDDING])
    return state


def _check_filled(model: Any) -> None:
    named = chain(model.named_parameters(), model.named_buffers())
    if empty := [name for name, found in named if found.is_meta]:
        raise EngineError(f"the file has nothing for {empty[0]} of this version of transformers")
