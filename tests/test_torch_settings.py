"""What is asked of torch and read back from it, against a stand-in where it is not installed."""

from __future__ import annotations

import contextlib
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgebench.backends import EngineError, LoadOptions
from edgebench.backends.torch import Torch
from edgebench.backends.torch_session import TorchSession
from edgebench.backends.torch_settings import dispatched, hold_threads

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = LoadOptions(isa="torch", threads=3, context_tokens=4, activations="fp32")


class StandIn(SimpleNamespace):
    """torch built for CUDA 13.2 on a machine without a GPU; it takes `most` threads at most."""

    def __init__(self, folder: Path, most: int = 64) -> None:
        super().__init__(threads=8, interop=8, products="medium")
        (folder / "lib").mkdir(exist_ok=True)
        for name in ("libtorch_cpu.so", "libtorch_cuda.so"):
            (folder / "lib" / name).touch()
        self.__file__ = str(folder / "__init__.py")
        self.most = most
        self.version = SimpleNamespace(cuda="13.2")
        self.cuda = SimpleNamespace(is_available=lambda: False, get_device_name=lambda _: "H 200")
        self.backends = SimpleNamespace(
            cpu=SimpleNamespace(get_cpu_capability=lambda: "AVX512"),
            mkl=SimpleNamespace(is_available=lambda: True),
            mkldnn=SimpleNamespace(is_available=lambda: False),
        )
        self.inference_mode = contextlib.nullcontext
        self.tensor = lambda ids, **_: np.array(ids)
        self.get_num_threads = lambda: self.threads
        self.get_num_interop_threads = lambda: self.interop
        self.get_float32_matmul_precision = lambda: self.products

    def set_num_threads(self, threads: int) -> None:
        self.threads = min(threads, self.most)

    def set_num_interop_threads(self, threads: int) -> None:
        self.interop = threads

    def set_float32_matmul_precision(self, precision: str) -> None:
        self.products = precision


@pytest.fixture
def torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    library = StandIn(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", library)
    cache = SimpleNamespace(DynamicCache=lambda **_: [])
    monkeypatch.setitem(sys.modules, "transformers", cache)
    return library


def network(*devices: str) -> Any:
    config = SimpleNamespace(vocab_size=96, _attn_implementation="eager")
    kind = SimpleNamespace(type=devices[0].split(":")[0])
    weights = [SimpleNamespace(device=each, dtype="torch.float32") for each in devices]
    return SimpleNamespace(config=config, device=kind, parameters=lambda: weights)


class Network:
    """Its logits are the number of the call, for every token."""

    config = SimpleNamespace(vocab_size=96)
    device = "cpu"

    def __init__(self) -> None:
        self.calls = 0

    def forward(self, input_ids: Any, cache: Any = None, **_: object) -> None: ...

    def __call__(self, input_ids: Any, **_: object) -> Any:
        self.calls += 1
        given = np.full((*input_ids.shape, 96), self.calls, np.float32)
        held = SimpleNamespace(cpu=lambda: SimpleNamespace(numpy=lambda: given))
        return SimpleNamespace(logits=SimpleNamespace(float=lambda: held))


def test_threads_are_held_and_products_stay_float32(torch: StandIn) -> None:
    hold_threads(3)
    assert (torch.threads, torch.interop, torch.products) == (3, 1, "highest")


def test_threads_that_torch_does_not_take_are_an_error(torch: StandIn) -> None:
    torch.most = 2
    with pytest.raises(EngineError, match="torch took 2 threads, not 3"):
        hold_threads(3)


def test_without_a_gpu_it_says_so_and_does_not_run_on_the_cpu(
    torch: StandIn, tmp_path: Path
) -> None:
    assert Torch().why_not_device("cpu") is None
    assert "sees no GPU for its CUDA 13.2" in str(Torch().why_not_device("cuda"))
    with pytest.raises(EngineError, match="sees no GPU"):
        Torch().load(tmp_path / "never-read.gguf", OPTIONS._replace(device="cuda"))


@pytest.mark.usefixtures("torch")
def test_where_the_weights_really_are_is_read_back() -> None:
    cpu, gpu, split = (dispatched(network(*d)) for d in (["cpu"], ["cuda:0"], ["cuda:0", "cpu"]))

    assert cpu.library.endswith("libtorch_cpu.so")
    assert "weights_on=cpu" in cpu.features
    assert gpu.library.endswith("libtorch_cuda.so")
    assert {"weights_on=cuda:0", "gpu=H_200"} <= set(gpu.features)
    assert {"weights_on=cuda:0", "weights_on=cpu"} <= set(split.features)
    assert {"threads=8", "interop_threads=8", "float32_products=medium"} <= set(cpu.features)


@pytest.mark.usefixtures("torch")
def test_tokens_count_against_the_context_until_they_are_forgotten() -> None:
    session = TorchSession(Network(), OPTIONS._replace(ubatch_tokens=2))
    assert session.prefill([1, 2, 3], every=True)[:, 0].tolist() == [1, 1, 2], "in two chunks"
    assert session.decode([4])[0, 0] == 3
    with pytest.raises(EngineError, match="context of 4 tokens is full"):
        session.decode([5])
    session.reset()
    assert session.prefill([1, 2, 3, 4]).shape == (96,)
