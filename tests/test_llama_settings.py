"""What a launch asks for arrives in llama.cpp's own structures. No model is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from edgebench.backends import LoadOptions
from edgebench.backends.llama_settings import (
    KV_BLOCK,
    KV_BLOCK_BYTES,
    KV_TYPES,
    context_params,
    model_params,
)

if TYPE_CHECKING:
    from types import ModuleType

OPTIONS = LoadOptions(isa="x64", threads=3, context_tokens=256)


@pytest.fixture(scope="module")
def api() -> ModuleType:
    pytest.importorskip("llama_cpp")
    from llama_cpp import llama_cpp

    return llama_cpp


def context(api: ModuleType, **fields: Any) -> Any:
    return context_params(api, OPTIONS._replace(**fields), None)


def test_every_setting_is_a_field_that_llama_cpp_has(api: ModuleType) -> None:
    """A ctypes structure takes an attribute that it has no field for, and drops it in silence."""
    assert vars(model_params(api, OPTIONS, None)) == {}
    assert vars(context(api)) == {}


@pytest.mark.parametrize("asked", [True, False])
def test_flash_attention_and_repacking_are_as_asked(api: ModuleType, asked: bool) -> None:
    assert model_params(api, OPTIONS._replace(repacking=asked), None).use_extra_bufts is asked
    assert context(api, flash_attention=asked).flash_attn_type == int(asked)


@pytest.mark.parametrize(
    ("how", "mode"),
    [
        ("mmap", "LLAMA_LOAD_MODE_MMAP"),
        ("read", "LLAMA_LOAD_MODE_NONE"),
        ("mlock", "LLAMA_LOAD_MODE_MMAP_MLOCK"),
    ],
)
def test_weights_are_loaded_as_asked(api: ModuleType, how: str, mode: str) -> None:
    params = model_params(api, OPTIONS._replace(load_mode=how), None)
    assert params.load_mode == getattr(api, mode)


@pytest.mark.parametrize("name", KV_TYPES)
def test_keys_and_values_have_the_type_asked_for(api: ModuleType, name: str) -> None:
    kind = GGMLQuantizationType[name.upper()]
    params = context(api, kv_type=name)

    assert (params.type_k, params.type_v) == (kind, kind)
    values, size = GGML_QUANT_SIZES[kind]
    assert KV_BLOCK_BYTES[name] * values == size * KV_BLOCK, "what its memory is counted by"


def test_prompts_and_steps_run_on_the_threads_asked_for(api: ModuleType) -> None:
    params = context(api)
    assert (params.n_threads, params.n_threads_batch) == (3, 3)


def test_each_sequence_has_the_whole_context(api: ModuleType) -> None:
    params = context(api, sequences=4, batch_tokens=128, ubatch_tokens=64)
    assert (params.n_ctx, params.n_seq_max) == (4 * 256, 4)
    assert (params.n_batch, params.n_ubatch) == (128, 64)
