"""ONNX Runtime's CUDA provider, against a stand-in for the library, where there is no GPU.

The stand-in answers as onnxruntime 1.31 does: what is bound for a GPU is copied there when it is
bound. The graph, its check and all else are real.
"""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from edgebench.backends import EngineError, onnx_session
from edgebench.backends.onnxruntime import OnnxRuntime
from tests.gguf_maker import half_weights, random_weights, write_llama
from tests.onnx_engine import CPU, CUDA, ON_GPU
from tests.onnx_maker import exported

if TYPE_CHECKING:
    from pathlib import Path


class Binding:
    """Remembers what was bound, where, as what; and copies inputs of main memory, as for a GPU."""

    def __init__(self) -> None:
        self.bound: dict[str, tuple[str, np.dtype[Any]]] = {}
        self.copied: dict[str, list[int]] = {}

    def bind_input(
        self, name: str, device: str, _id: int, dtype: Any, shape: Any, address: int
    ) -> None:
        self.bind_output(name, device, _id, dtype)
        if device == "cpu":
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            self.copied[name] = np.frombuffer(ctypes.string_at(address, size), dtype).tolist()

    def bind_output(self, name: str, device: str, _id: int, dtype: Any, *_: object) -> None:
        self.bound[name] = (device, np.dtype(dtype))


class StandIn:
    """The parts of onnxruntime that a session uses; `starts` are the providers that come up."""

    def __init__(self, *, offers: tuple[str, ...] = (CUDA, CPU), starts: tuple[str, ...]) -> None:
        self.offers, self.starts = offers, starts
        self.asked: list[str] = []
        self.bindings: list[Binding] = []
        self.allocated: list[tuple[str, np.dtype[Any]]] = []
        self.runs: list[dict[str, list[int]]] = []
        self.preloaded = 0
        self.SessionOptions = onnxruntime.SessionOptions
        self.ExecutionMode = onnxruntime.ExecutionMode
        self.GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel
        self.OrtValue = SimpleNamespace(ortvalue_from_shape_and_type=self._allocate)

    def get_available_providers(self) -> list[str]:
        return list(self.offers)

    def preload_dlls(self) -> None:
        assert not self.asked, "libraries are needed before a session is opened"
        self.preloaded += 1

    def InferenceSession(self, _path: str, options: Any, *, providers: list[str]) -> StandIn:  # noqa: N802
        self.asked, self._options = providers, options
        return self

    def get_providers(self) -> list[str]:
        return list(self.starts)

    def get_session_options(self) -> Any:
        return self._options

    def get_provider_graph_assignment_info(self) -> list[Any]:
        gpu = SimpleNamespace(ep_name=CUDA, get_nodes=lambda: [1, 2, 3])
        cpu = SimpleNamespace(ep_name=CPU, get_nodes=lambda: [4])
        return [gpu, cpu]

    def io_binding(self) -> Binding:
        self.bindings.append(Binding())
        return self.bindings[-1]

    def run_with_iobinding(self, binding: Binding) -> None:
        self.runs.append(dict(binding.copied))

    def _allocate(self, _shape: object, dtype: Any, device: str, _id: int) -> Any:
        self.allocated.append((device, np.dtype(dtype)))
        return SimpleNamespace(data_ptr=lambda: 4096)


def stands_in(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> StandIn:
    library = StandIn(**fields)
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    return library


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    gguf = write_llama(tmp_path / "tiny.gguf", weights=half_weights(), quant="Q8_0")
    return exported(gguf, "fp16")


@pytest.fixture
def after_three_calls(monkeypatch: pytest.MonkeyPatch, halves: Path) -> StandIn:
    """A library that was asked for a prompt of three tokens, and then for two more."""
    library = stands_in(monkeypatch, starts=(CUDA, CPU))
    with OnnxRuntime().load(halves, ON_GPU) as session:
        session.prefill([1, 2, 3])
        session.decode([4])
        session.decode([5])
    return library


def test_the_fp16_flavour_runs_on_the_gpu_with_its_cache_there(after_three_calls: StandIn) -> None:
    library = after_three_calls
    assert library.asked == [CUDA, CPU], "the GPU first, the CPU for what it has no kernel of"
    assert library.preloaded == 1, "pip's CUDA libraries are found by nothing else"
    assert len(library.runs) == 3
    assert set(library.allocated) == {("cuda", np.dtype("float16"))}
    for binding in library.bindings:
        cache = {
            place for name, place in binding.bound.items() if name.startswith(("past", "pres"))
        }
        assert cache == {("cuda", np.dtype("float16"))}
        assert binding.bound["logits"] == ("cpu", np.dtype("float32"))
        assert binding.bound["input_ids"] == ("cpu", np.dtype("int64"))


def test_a_cpu_cell_loads_no_library_of_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    library = stands_in(monkeypatch, starts=(CUDA, CPU))
    onnx_session.preload("cpu")
    assert library.preloaded == 0


def test_the_gpu_gets_the_tokens_of_each_call_and_not_those_of_the_first_binding(
    after_three_calls: StandIn,
) -> None:
    """On an H200 every call saw zeros: verified with a mean KL of 5.98, and no speed was shown."""
    seen = [
        (run["input_ids"], run["seqlens_k"], run["total_len"]) for run in after_three_calls.runs
    ]
    assert seen == [([1, 2, 3], [2], [3]), ([4], [3], [4]), ([5], [4], [5])]


def test_how_many_nodes_each_provider_got_is_read_back(
    monkeypatch: pytest.MonkeyPatch, halves: Path
) -> None:
    monkeypatch.setattr("edgebench.backends.onnx_session._library", lambda: "onnxruntime.so")
    stands_in(monkeypatch, starts=(CUDA, CPU))

    with OnnxRuntime().load(halves, ON_GPU) as session:
        features = session.dispatched().features

    assert {f"{CUDA}=3", f"{CPU}=1", "activations=fp16", "kv=float16"} <= set(features)


def test_a_provider_that_does_not_come_up_is_a_failure_and_not_a_slower_result(
    monkeypatch: pytest.MonkeyPatch, halves: Path
) -> None:
    stands_in(monkeypatch, starts=(CPU,))
    with (
        pytest.raises(EngineError, match=f"could not start its {CUDA} and fell back to the CPU"),
        OnnxRuntime().load(halves, ON_GPU),
    ):
        pytest.fail("it fell back")


def test_other_activations_than_fp16_are_refused_on_cuda(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stands_in(monkeypatch, starts=(CUDA, CPU))
    gguf = write_llama(tmp_path / "tiny.gguf", weights=random_weights(), quant="Q8_0")
    with (
        pytest.raises(EngineError, match="takes float16 only, and the graph has fp32"),
        OnnxRuntime().load(exported(gguf), ON_GPU._replace(activations="fp32")),
    ):
        pytest.fail("it was opened")


def test_why_it_cannot_run_here_is_a_sentence_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stands_in(monkeypatch, offers=(CPU,), starts=(CPU,))
    assert OnnxRuntime().why_not_device("cpu") is None
    said = OnnxRuntime().why_not_device("cuda") or ""
    assert f"has no {CUDA}" in said
    assert "pip install 'onnxruntime-gpu[cuda,cudnn]'" in said
    stands_in(monkeypatch, starts=(CUDA, CPU))
    assert OnnxRuntime().why_not_device("cuda") is None
