"""llama.cpp's CUDA backend: a library beside the CPU variants, registered for CUDA cells only.

Where nothing but a CPU variant is registered llama.cpp uses no GPU, whatever the build holds.
Seen on an H200 (docs/cuda.md); tests use a stand-in library.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.backends import EngineError
from edgebench.backends.llama_library import variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

LIBRARY = "libggml-cuda.so"
NOT_BUILT = (
    "This llama-cpp-python was built without CUDA. "
    "Build it with CUDA beside the CPU variants: see docs/cuda.md."
)
NOT_LOADED = (
    f"llama.cpp's {LIBRARY} could not be loaded. "
    "Install NVIDIA's driver and CUDA's run-time libraries: see docs/cuda.md."
)
NO_GPU = "llama.cpp's CUDA backend sees no GPU. Check the driver with nvidia-smi."


class Gpu(NamedTuple):
    """The GPU that holds the whole model: ggml's name for it, CUDA0, and its maker's."""

    name: str
    description: str


def library() -> Path | None:
    """CUDA's backend beside the CPU variants, None in a build without it."""
    for variant in variants().values():
        found = variant.with_name(LIBRARY)
        return found if found.exists() else None
    return None


def why_not(api: Any, path: Path | None) -> str | None:
    """A sentence with its remedy, or None where a GPU answers."""
    try:
        with _registered(api, path):
            return None
    except EngineError as error:
        return str(error)


def registered_gpu(api: Any, device: str, path: Path | None) -> AbstractContextManager[Gpu | None]:
    """The GPU of `device` "cuda", registered meanwhile; None for "cpu".

    Raises EngineError for another device, or when it is entered and there is no GPU.
    """
    if device == "cpu":
        return contextlib.nullcontext()
    if device != "cuda":
        raise EngineError(f"llama.cpp has no device {device!r}: choose cpu or cuda")
    return _registered(api, path)


def model_settings(api: Any, gpu: Gpu | None) -> dict[str, int]:
    """Fields of llama_model_params: every layer on the one GPU, or none on any."""
    if gpu is None:
        return {"n_gpu_layers": 0}
    return {"n_gpu_layers": -1, "split_mode": api.LLAMA_SPLIT_MODE_NONE, "main_gpu": 0}


def context_settings(gpu: Gpu | None) -> dict[str, bool]:
    """Fields of llama_context_params: KV cache and attention beside the layers."""
    return {} if gpu is None else {"offload_kqv": True, "op_offload": True}


def placed(said: Sequence[str], gpu: Gpu) -> tuple[str, ...]:
    """Where the model lies, from what llama.cpp `said` as it loaded it.

    Raises EngineError unless every layer is on the GPU and the GPU holds weights.
    """
    layers = _last(r"offloaded (\d+)/(\d+) layers to GPU", said)
    if layers is None or layers[1] != layers[2]:
        told = f"{layers[1]} of {layers[2]}" if layers else "no"
        raise EngineError(f"llama.cpp offloaded {told} layers to the GPU, where all were asked for")
    memory = _last(rf"\b{re.escape(gpu.name)} model buffer size = +([\d.]+) MiB", said)
    if memory is None:
        raise EngineError(f"llama.cpp put no weights into the memory of {gpu.name}")
    return (
        f"gpu={gpu.description.replace(' ', '_')}",
        f"offloaded={layers[1]}/{layers[2]}",
        f"{gpu.name}_weights={memory[1]}MiB",
    )


def _last(pattern: str, lines: Sequence[str]) -> re.Match[str] | None:
    return next(filter(None, (re.search(pattern, line) for line in reversed(lines))), None)


@contextlib.contextmanager
def _registered(api: Any, path: Path | None) -> Iterator[Gpu]:
    if path is None:
        raise EngineError(NOT_BUILT)
    ggml = api._lib
    _declare(ggml)
    backend = ggml.ggml_backend_load(bytes(path))
    if not backend:
        raise EngineError(NOT_LOADED)
    try:
        if not ggml.ggml_backend_reg_dev_count(backend):
            raise EngineError(NO_GPU)
        device = ggml.ggml_backend_reg_dev_get(backend, 0)
        name, description = (
            answer.decode(errors="replace")
            for answer in (
                ggml.ggml_backend_dev_name(device),
                ggml.ggml_backend_dev_description(device),
            )
        )
        yield Gpu(name, description)
    finally:
        ggml.ggml_backend_unload(backend)


def _declare(ggml: Any) -> None:
    """Types of the functions that llama-cpp-python does not bind (ggml-backend.h)."""
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, answer, takes in (
        ("ggml_backend_load", pointer, [ctypes.c_char_p]),
        ("ggml_backend_unload", None, [pointer]),
        ("ggml_backend_reg_dev_count", size, [pointer]),
        ("ggml_backend_reg_dev_get", pointer, [pointer, size]),
        ("ggml_backend_dev_name", ctypes.c_char_p, [pointer]),
        ("ggml_backend_dev_description", ctypes.c_char_p, [pointer]),
    ):
        function = getattr(ggml, name)
        function.restype, function.argtypes = answer, takes
