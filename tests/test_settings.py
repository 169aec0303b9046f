"""Options of the command line become the settings of a cell, for the engines that have them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.backends.onnxruntime import OnnxRuntime
from edgebench.cli import settings
from edgebench.machine import limits
from edgebench.measure.plan import Probe
from edgebench.models.prepared import Prepared
from edgebench.schema.cell import Options
from tests.results_maker import FILE

LLAMA = Probe(None, ("gguf",), LlamaCpp.settings, name="llama.cpp")
ORT = Probe(None, ("onnx",), OnnxRuntime.settings, name="onnxruntime")
TORCH = Probe(None, ("gguf",), frozenset({"activations"}), name="torch")


def options(probe: Probe, device: str = "cpu", **asked: Any) -> Options:
    found = answer(probe, device, **asked)
    assert isinstance(found, Options), found
    return found


def answer(probe: Probe, device: str = "cpu", **asked: Any) -> Options | str:
    plain: dict[str, Any] = {
        "flash_attention": True, "load_mode": "mmap", "activations": "auto", "spinning": True,
        "prepacked": False, "repacking": True, "kv_types": (), "load_modes": (), "cpus": None,
        "memory_limit_bytes": None,
    }  # fmt: skip
    file = Prepared(Path("tiny.gguf"), "gguf", FILE, has_tokenizer=True)
    choices: Any = SimpleNamespace(**(plain | asked))
    return settings.options_of(choices, file, probe, device)


@pytest.mark.parametrize("asked", [True, False])
def test_what_changes_the_ranking_is_as_asked_and_recorded(asked: bool) -> None:
    found = options(LLAMA, flash_attention=asked, repacking=asked)
    assert (found.flash_attention, found.repacking) == (asked, asked)
    found = options(ORT, flash_attention=asked, repacking=asked, spinning=asked, prepacked=asked)
    assert (found.flash_attention, found.repacking) == (None, None), "it has no such setting"
    assert (found.spinning, found.prepacked) == (asked, asked)


def test_activations_are_what_the_engine_multiplies_fast_on_the_device() -> None:
    assert options(ORT).activations == "int8"
    assert options(TORCH).activations == "fp32"
    assert options(ORT, "cuda").activations == options(TORCH, "cuda").activations == "fp16"
    assert options(TORCH, "cuda", activations="fp32").activations == "fp32"


def test_a_cache_that_cannot_be_told_has_the_type_of_the_activations() -> None:
    assert options(LLAMA, kv_types=("q8_0",)).kv_type == "q8_0"
    assert (options(TORCH).kv_type, options(TORCH, "cuda").kv_type) == ("f32", "f16")


def test_what_an_engine_cannot_be_told_is_refused_and_not_left_out() -> None:
    assert answer(TORCH, kv_types=("q8_0",)) == (
        "torch keeps its KV cache in f32 and cannot be told otherwise."
    )
    assert options(TORCH, kv_types=("f32",)).kv_type == "f32"
    assert answer(TORCH, load_modes=("mlock",)) == "torch cannot lock weights in memory."


@pytest.mark.parametrize(("lockable", "refused"), [(999, True), (1000, False), (None, False)])
def test_weights_are_locked_only_where_they_may_be(
    monkeypatch: pytest.MonkeyPatch, lockable: int | None, refused: bool
) -> None:
    monkeypatch.setattr(limits, "lockable_bytes", lambda _root: lockable)
    found = answer(LLAMA, load_modes=("mlock",))
    assert isinstance(found, str) is refused
    assert not refused or "raise RLIMIT_MEMLOCK" in str(found)
