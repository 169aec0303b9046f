"""What llama.cpp answers is checked, against a stand-in for its functions: no model is loaded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.backends import EngineError, LoadOptions, WrongIsaError
from edgebench.backends import llama_cuda as cuda
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.backends.llama_cuda import Gpu
from edgebench.backends.llama_library import registered_variant
from edgebench.backends.llama_session import LlamaSession

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = LoadOptions(isa="zen4", threads=1, context_tokens=32)
GPU = Gpu("CUDA0", "NVIDIA H200")
LOADED = ("offloaded 31/31 layers to GPU", "CUDA0 model buffer size =    91.20 MiB")
ZEN4 = "libggml-cpu-zen4.so"


class Api:
    """Every function answers 1, but for a decode that ends with `code`."""

    def __init__(self, code: int = 0) -> None:
        self._code = code

    def llama_decode(self, *_: object) -> int:
        return self._code

    def llama_print_system_info(self) -> bytes:
        return b"CPU : SSE3 = 1 | AVX2 = 1 | AVX512 = 0 | REPACK = 1"

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_default_params"):
            return SimpleNamespace
        return 1 if name.isupper() else lambda *_: 1


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the variants x64 and zen4."""
    pytest.importorskip("llama_cpp")
    for name in ("x64", "zen4"):
        (tmp_path / f"libggml-cpu-{name}.so").touch()
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    return tmp_path


def session(
    folder: Path,
    *,
    code: int = 0,
    gpu: Gpu | None = None,
    said: tuple[str, ...] = LOADED,
    load_mode: str = "mmap",
) -> LlamaSession:
    """Of a model of 1 MiB, about which llama.cpp `said` that as it loaded it."""
    model = folder / "model.gguf"
    model.write_bytes(bytes(1 << 20))
    log: Any = SimpleNamespace(lines=lambda: said, explain=str)
    options = OPTIONS._replace(load_mode=load_mode)
    return LlamaSession(Api(code), model, options, folder / ZEN4, log, gpu=gpu)


def maps(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    found = {f"libggml-cpu-{name}.so" for name in names}
    monkeypatch.setattr("edgebench.backends.llama_session.mapped_variants", lambda: found)


@pytest.mark.parametrize("code", [1, 2, -1])
def test_a_call_that_did_nothing_is_never_timed(tmp_path: Path, code: int) -> None:
    """1: no room in the KV cache; 2: aborted. Either would return at once."""
    with pytest.raises(EngineError, match=f"llama_decode returned {code}"):
        session(tmp_path, code=code).prefill([1, 2])
    with pytest.raises(EngineError, match=f"llama_decode returned {code}"):
        session(tmp_path, code=code).decode([1])


def test_features_are_those_that_the_engine_says_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps(monkeypatch, "zen4")
    found = session(tmp_path).dispatched()
    assert (found.isa, found.features) == ("zen4", ("SSE3", "AVX2", "REPACK"))


@pytest.mark.parametrize("mapped", [(), ("x64",), ("x64", "zen4")], ids=str)
def test_another_library_than_asked_for_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: tuple[str, ...]
) -> None:
    maps(monkeypatch, *mapped)
    with pytest.raises(WrongIsaError, match=f"asked for {ZEN4}, mapped are"):
        session(tmp_path).dispatched()


def test_a_gpu_that_holds_no_weights_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps(monkeypatch, "zen4")
    assert "offloaded=31/31" in session(tmp_path, gpu=GPU).dispatched().features
    with pytest.raises(EngineError, match="no weights into the memory of CUDA0"):
        session(tmp_path, gpu=GPU, said=LOADED[:1]).dispatched()


def test_weights_that_were_not_locked_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="only 0 of 1 MiB were locked: raise RLIMIT_MEMLOCK"):
        session(tmp_path, load_mode="mlock")
    session(tmp_path, load_mode="mmap")


def test_a_variant_that_does_not_load_has_no_stand_in(libraries: Path) -> None:
    calls: list[object] = []

    def called(argument: object) -> None:
        calls.append(argument)

    library = SimpleNamespace(ggml_backend_load=called, ggml_backend_unload=called)
    refuses: Any = SimpleNamespace(_lib=library)
    with (
        pytest.raises(WrongIsaError, match="cannot run the variant 'zen4'"),
        registered_variant(refuses, "zen4"),
    ):
        pytest.fail("registered")
    with (
        pytest.raises(WrongIsaError, match="no CPU variant 'haswell'"),
        registered_variant(refuses, "haswell"),
    ):
        pytest.fail("registered")
    assert calls == [bytes(libraries / ZEN4)], "by its own path, and nothing in its place"


def test_the_best_variant_that_this_cpu_runs_comes_first(
    libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (libraries / "libggml-cpu-sapphirerapids.so").touch()
    scores = {"x64": 1, "zen4": 127, "sapphirerapids": 0}
    monkeypatch.setattr(
        "edgebench.backends.llama_cpp.score",
        lambda path: scores[path.name.removeprefix("libggml-cpu-").removesuffix(".so")],
    )
    assert LlamaCpp().isas() == ("zen4", "x64")
    assert set(LlamaCpp().known_isas()) == set(scores)


def test_a_build_for_one_instruction_set_is_not_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, libraries: Path
) -> None:
    assert LlamaCpp().why_not() is None
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path / "none"))
    assert str(LlamaCpp().why_not()).startswith("This llama-cpp-python was built for one")


def test_a_build_without_cuda_refuses_the_gpu_and_runs_nothing_in_its_place(
    tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LlamaCpp().why_not_device("cpu") is None
    assert LlamaCpp().why_not_device("cuda") == cuda.NOT_BUILT
    monkeypatch.delenv("LLAMA_CPP_LIB_PATH")
    if cuda.library() is not None:
        pytest.skip("this build has CUDA")
    options = OPTIONS._replace(isa=LlamaCpp().isas()[-1], device="cuda")
    with (
        pytest.raises(EngineError, match="built without CUDA"),
        LlamaCpp().load(tmp_path / "m.gguf", options),
    ):
        pytest.fail("it ran on the CPU")
