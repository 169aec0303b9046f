"""What a launch asks for, in llama.cpp's own structures and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.backends import llama_cuda

if TYPE_CHECKING:
    from edgebench.backends import LoadOptions
    from edgebench.backends.llama_cuda import Gpu

# ggml's numbers for types (ggml.h), and bytes of 32 values.
KV_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 8}
KV_BLOCK, KV_BLOCK_BYTES = 32, {"f16": 64, "f32": 128, "q8_0": 34, "q4_0": 18}


def model_params(api: Any, options: LoadOptions, gpu: Gpu | None) -> Any:
    params = api.llama_model_default_params()
    for name, value in llama_cuda.model_settings(api, gpu).items():
        setattr(params, name, value)
    modes = {
        "mmap": api.LLAMA_LOAD_MODE_MMAP,
        "read": api.LLAMA_LOAD_MODE_NONE,
        "mlock": api.LLAMA_LOAD_MODE_MMAP_MLOCK,
    }
    params.load_mode = modes[options.load_mode]
    params.use_extra_bufts = options.repacking
    return params


def context_params(api: Any, options: LoadOptions, gpu: Gpu | None) -> Any:
    params = api.llama_context_default_params()
    for name, value in llama_cuda.context_settings(gpu).items():
        setattr(params, name, value)
    # Divided evenly among the sequences.
    params.n_ctx = options.context_tokens * options.sequences
    params.n_seq_max = options.sequences
    params.n_batch, params.n_ubatch = options.batch_tokens, options.ubatch_tokens
    params.n_threads = params.n_threads_batch = options.threads
    flash = (api.LLAMA_FLASH_ATTN_TYPE_DISABLED, api.LLAMA_FLASH_ATTN_TYPE_ENABLED)
    params.flash_attn_type = flash[options.flash_attention]
    params.type_k = params.type_v = KV_TYPES[options.kv_type]
    return params
