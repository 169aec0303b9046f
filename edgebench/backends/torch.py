"""torch: the eager LLaMA of transformers, on a GGUF file's own weights. The plain Python baseline.

Weights are dequantized by edgebench's reader and set into `LlamaForCausalLM`; nothing comes from a
hub, and transformers' own GGUF loader is not used.

ATen's kernels follow `ATEN_CPU_CAPABILITY`, but matrix products are MKL's or oneDNN's, which
choose instructions by themselves and do not say which. So the one "instruction set" is `torch`:
it cannot be held, and what can be read back of the choice is recorded.

`device="cuda"` was verified on an H200 (docs/cuda.md).
"""

from __future__ import annotations

import importlib.util
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgebench.backends import About, EngineError, WrongIsaError
from edgebench.backends.torch_settings import ISA, hold_threads, named_memory_errors
from edgebench.models.gguf import read_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.backends import LoadOptions
    from edgebench.backends.torch_session import TorchSession
    from edgebench.models.gguf import Header

PRECISIONS = {"cpu": ("fp32",), "cuda": ("fp32", "fp16")}


class Torch:
    """The backend. It has no tokenizer; the KV cache has the type of the activations."""

    formats = frozenset({"gguf"})
    settings = frozenset({"activations"})

    def __init__(self, find: Callable[[str], object | None] = importlib.util.find_spec) -> None:
        self._find = find

    def why_not(self) -> str | None:
        missing = [name for name in ("torch", "transformers") if self._find(name) is None]
        if not missing:
            return None
        are = "is" if len(missing) == 1 else "are"
        return (
            f"{' and '.join(missing)} {are} not installed. Install into edgebench's environment: "
            ".venv/bin/pip install 'edgebench[torch]'."
        )

    def about(self) -> About:
        import torch
        import transformers.models.llama.modeling_llama

        version = f"torch {torch.__version__}, transformers {transformers.__version__}"
        return About("torch", version, build(torch.__config__.show(), torch.version.cuda))

    def known_isas(self) -> tuple[str, ...]:
        return (ISA,)

    def isas(self) -> tuple[str, ...]:
        return (ISA,)

    def why_not_device(self, device: str) -> str | None:
        if device != "cuda":
            return None
        import torch

        return why_not_cuda(torch.version.cuda, torch.cuda.is_available)

    def load(self, file: Path, options: LoadOptions) -> AbstractContextManager[TorchSession]:
        """Check now; read, dequantize and set the weights when the context is entered.

        Raises BadModel, WrongIsaError, or EngineError for a device or a precision that it lacks.
        """
        if options.isa != ISA:
            raise WrongIsaError(f"torch cannot be held to {options.isa!r}, only {ISA!r}")
        if options.activations not in PRECISIONS.get(options.device, ()):
            known = ", ".join(PRECISIONS["cuda"])
            raise EngineError(
                f"torch multiplies no {options.activations} activations on {options.device}: "
                f"choose fp32 on the CPU, or one of {known} with --device cuda"
            )
        if reason := self.why_not_device(options.device):
            raise EngineError(reason)
        return _opened(read_header(file), options)


@contextmanager
def _opened(header: Header, options: LoadOptions) -> Iterator[TorchSession]:
    from edgebench.backends.torch_network import network
    from edgebench.backends.torch_session import TorchSession

    hold_threads(options.threads)
    with named_memory_errors():
        model = network(header, options)
    yield TorchSession(model, options)


def why_not_cuda(built_for: str | None, available: Callable[[], bool]) -> str | None:
    """`built_for` is the CUDA version of this torch, None for one that was built without."""
    if built_for is None:
        return "This torch was built for CPUs only. Install one with CUDA: see docs/cuda.md."
    if not available():
        return f"torch sees no GPU for its CUDA {built_for}. Check the driver with nvidia-smi."
    return None


def build(configuration: str, cuda: str | None) -> str:
    """The libraries that torch was built with, from the text of `torch.__config__.show()`."""
    patterns = {
        "MKL": r"Math Kernel Library Version (\S+)",
        "oneDNN": r"MKL-DNN v(\S+)",
        "BLAS": r"BLAS_INFO=(\w+)",
        "commit": r"COMMIT_SHA=(\w{12})",
    }
    found = {name: re.search(pattern, configuration) for name, pattern in patterns.items()}
    parts = [f"{name} {match[1]}" for name, match in found.items() if match]
    return ", ".join([*parts, f"CUDA {cuda}" if cuda else "no CUDA"])
