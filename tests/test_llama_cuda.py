"""llama.cpp on a GPU, against a stand-in for its library: machines that test it have none."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgebench.backends import EngineError, LoadOptions
from edgebench.backends import llama_cuda as cuda
from edgebench.backends.llama_cuda import Gpu
from edgebench.backends.llama_library import EngineLog
from edgebench.backends.llama_settings import context_params, model_params

LIBRARY = Path("/nowhere/libggml-cuda.so")
GPU = Gpu("CUDA0", "NVIDIA H200")
LOADED = (
    "load_tensors: offloaded 31/31 layers to GPU",
    "load_tensors:   CPU_Mapped model buffer size =    27.34 MiB",
    "load_tensors:        CUDA0 model buffer size =    91.20 MiB",
)
OPTIONS = LoadOptions(isa="zen4", threads=1, context_tokens=32, device="cuda")


class Api:
    """Records calls; `backend` is what loading answers, 0 for a library that does not load."""

    LLAMA_SPLIT_MODE_NONE, LLAMA_SPLIT_MODE_LAYER = 0, 1
    LLAMA_LOAD_MODE_NONE, LLAMA_LOAD_MODE_MMAP, LLAMA_LOAD_MODE_MMAP_MLOCK = 0, 1, 3
    LLAMA_FLASH_ATTN_TYPE_DISABLED, LLAMA_FLASH_ATTN_TYPE_ENABLED = 0, 1

    def __init__(self, *, backend: int = 7, gpus: int = 1) -> None:
        self.calls: list[tuple[Any, ...]] = []
        answers = {
            "ggml_backend_load": backend,
            "ggml_backend_unload": None,
            "ggml_backend_reg_dev_count": gpus,
            "ggml_backend_reg_dev_get": 8,
            "ggml_backend_dev_name": b"CUDA0",
            "ggml_backend_dev_description": b"NVIDIA H200",
        }
        self._lib = SimpleNamespace(**{n: self._function(n, a) for n, a in answers.items()})

    def _function(self, name: str, answer: object) -> Any:
        def call(*arguments: object) -> object:
            self.calls.append((name.removeprefix("ggml_backend_"), *arguments))
            return answer

        return call

    @staticmethod
    def llama_model_default_params() -> SimpleNamespace:
        return SimpleNamespace(n_gpu_layers=-1, split_mode=1, main_gpu=3)

    @staticmethod
    def llama_context_default_params() -> SimpleNamespace:
        return SimpleNamespace(offload_kqv=False, op_offload=False)


def test_the_first_gpu_is_registered_and_let_go() -> None:
    api = Api()
    with cuda.registered_gpu(api, "cuda", LIBRARY) as gpu:
        assert gpu == GPU
        assert ("unload", 7) not in api.calls
    assert api.calls[0] == ("load", b"/nowhere/libggml-cuda.so")
    assert ("reg_dev_get", 7, 0) in api.calls
    assert api.calls[-1] == ("unload", 7)


def test_pointers_keep_all_their_bits() -> None:
    """Undeclared, ctypes would pass on the lower half of an address."""
    api = Api()
    with cuda.registered_gpu(api, "cuda", LIBRARY):
        pass
    assert api._lib.ggml_backend_load.restype is ctypes.c_void_p
    assert api._lib.ggml_backend_reg_dev_get.restype is ctypes.c_void_p
    for name, function in vars(api._lib).items():
        takes = ctypes.c_char_p if name == "ggml_backend_load" else ctypes.c_void_p
        assert function.argtypes[0] is takes, name


def test_cudas_library_is_looked_for_beside_the_variants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llama_cpp")
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    assert cuda.library() is None, "nor are there variants"

    (tmp_path / "libggml-cpu-zen4.so").touch()
    assert cuda.library() is None
    (tmp_path / "libggml-cuda.so").touch()
    assert cuda.library() == tmp_path / "libggml-cuda.so"


def test_a_cpu_cell_registers_nothing() -> None:
    api = Api()
    with cuda.registered_gpu(api, "cpu", LIBRARY) as gpu:
        assert gpu is None
    assert api.calls == []


def test_a_device_that_llama_cpp_does_not_have_is_refused() -> None:
    with pytest.raises(EngineError, match="no device 'tpu'"):
        cuda.registered_gpu(Api(), "tpu", LIBRARY)


@pytest.mark.parametrize(
    ("api", "path", "says"),
    [
        (Api(), LIBRARY, None),
        (Api(), None, cuda.NOT_BUILT),
        (Api(backend=0), LIBRARY, cuda.NOT_LOADED),
        (Api(gpus=0), LIBRARY, cuda.NO_GPU),
    ],
)
def test_why_not_is_a_sentence_with_its_remedy(
    api: Api, path: Path | None, says: str | None
) -> None:
    assert cuda.why_not(api, path) == says
    loaded = ("load", bytes(LIBRARY)) in api.calls and says != cuda.NOT_LOADED
    assert (("unload", 7) in api.calls) is loaded


def test_without_a_gpu_a_cuda_cell_is_refused_and_never_run_on_the_cpu() -> None:
    with (
        pytest.raises(EngineError, match="sees no GPU"),
        cuda.registered_gpu(Api(gpus=0), "cuda", LIBRARY),
    ):
        pytest.fail("registered")


def test_all_layers_go_to_one_gpu_with_the_cache_beside_them() -> None:
    model, context = model_params(Api(), OPTIONS, GPU), context_params(Api(), OPTIONS, GPU)
    assert (model.n_gpu_layers, model.split_mode, model.main_gpu) == (-1, 0, 0)
    assert context.offload_kqv
    assert context.op_offload


def test_a_cpu_cell_offloads_no_layer() -> None:
    options = OPTIONS._replace(device="cpu")
    assert model_params(Api(), options, None).n_gpu_layers == 0


def test_where_the_model_lies_is_read_back() -> None:
    assert cuda.placed(LOADED, GPU) == (
        "gpu=NVIDIA_H200",
        "offloaded=31/31",
        "CUDA0_weights=91.20MiB",
    )


def test_what_was_said_last_counts() -> None:
    tried = ("load_tensors: offloaded 10/31 layers to GPU",)
    assert cuda.placed((*tried, *LOADED), GPU)
    with pytest.raises(EngineError, match="10 of 31"):
        cuda.placed((*LOADED, *tried), GPU)


def test_a_hundred_dots_of_progress_do_not_push_out_what_was_said() -> None:
    heard: list[Any] = []
    api = SimpleNamespace(
        llama_log_callback=lambda receive: receive,
        llama_log_set=lambda receive, _data: heard.append(receive),
    )
    log = EngineLog(api)
    for line in (*LOADED, *"." * 100):
        heard[0](0, f"{line}\n".encode(), None)
    assert log.lines() == LOADED


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ((), "offloaded no layers"),
        (("load_tensors: offloaded 10/31 layers to GPU", *LOADED[1:]), "10 of 31 layers"),
        (LOADED[:2], "no weights into the memory of CUDA0"),
    ],
)
def test_a_model_that_is_not_all_on_the_gpu_is_refused(said: tuple[str, ...], says: str) -> None:
    with pytest.raises(EngineError, match=says):
        cuda.placed(said, GPU)
