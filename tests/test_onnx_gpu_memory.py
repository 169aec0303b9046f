"""The whole path of a GPU with a real engine whose GPU is the CPU in all but one thing.

ONNX Runtime copies what lies in main memory into a GPU's when it is bound, and never looks again
(IOBinding::BindInput). Here its CPU provider does the same, and has to say what the reference says.
"""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from edgebench.backends.onnxruntime import OnnxRuntime
from tests.answers import answers, mean_kl, right
from tests.gguf_maker import half_weights, write_llama
from tests.onnx_engine import CPU, CUDA, ON_GPU
from tests.onnx_maker import exported

if TYPE_CHECKING:
    from pathlib import Path


class Copying:
    """A binding: "cuda" memory is used in place, inputs in main memory are copied now."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self._kept: dict[str, ctypes.Array[ctypes.c_char]] = {}

    def bind_input(self, name: str, device: str, *place: Any) -> None:
        number, dtype, shape, address = place
        if device == "cpu":
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            self._kept[name] = ctypes.create_string_buffer(ctypes.string_at(address, size), size)
            address = ctypes.addressof(self._kept[name])
        self.real.bind_input(name, "cpu", number, dtype, shape, address)

    def bind_output(self, name: str, _device: str, *rest: Any) -> None:
        self.real.bind_output(name, "cpu", *rest)


class Session:
    def __init__(self, path: str, options: Any, *, providers: list[str]) -> None:
        assert providers == [CUDA, CPU]
        self._real = onnxruntime.InferenceSession(path, options, providers=[CPU])

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]

    def io_binding(self) -> Copying:
        return Copying(self._real.io_binding())

    def run_with_iobinding(self, binding: Copying) -> None:
        self._real.run_with_iobinding(binding.real)


def with_gpu_memory() -> SimpleNamespace:
    """onnxruntime, with a device "cuda" whose memory is ours."""

    def allocate(shape: Any, dtype: Any, _device: str, _number: int) -> Any:
        return onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, dtype, "cpu", 0)

    return SimpleNamespace(
        InferenceSession=Session,
        OrtValue=SimpleNamespace(ortvalue_from_shape_and_type=allocate),
        get_available_providers=lambda: [CUDA, CPU],
        SessionOptions=onnxruntime.SessionOptions,
        ExecutionMode=onnxruntime.ExecutionMode,
        GraphOptimizationLevel=onnxruntime.GraphOptimizationLevel,
    )


@pytest.mark.parametrize("quant", ["Q4_0", "Q4_1", "Q8_0", "F16"])
def test_a_graph_in_gpu_memory_says_what_the_reference_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quant: str
) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", weights=half_weights(), quant=quant)
    graph = exported(gguf, "fp16")
    monkeypatch.setitem(sys.modules, "onnxruntime", with_gpu_memory())

    with OnnxRuntime().load(graph, ON_GPU) as session:
        found = answers(session)

    assert mean_kl(right(gguf), found) <= 1e-4
