"""What is set in torch before a model is loaded, and read back after."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import Dispatched, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

ISA = "torch"
_NO_MEMORY = re.compile(r"not enough memory|can't allocate memory|out of memory")


def hold_threads(threads: int) -> None:
    """Threads inside an operator are `threads`, between operators 1; products stay float32.

    Raises EngineError where torch does not take them. They are settings of the process.
    """
    import torch

    torch.set_float32_matmul_precision("highest")
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        try:
            torch.set_num_interop_threads(1)
        except RuntimeError as error:
            raise EngineError(f"torch keeps its threads: {error}") from None
    if torch.get_num_threads() != threads:
        raise EngineError(f"torch took {torch.get_num_threads()} threads, not {threads}")


@contextmanager
def named_memory_errors() -> Iterator[None]:
    """torch says by a RuntimeError that memory is out; here it becomes MemoryError."""
    try:
        yield
    except RuntimeError as error:
        if not _NO_MEMORY.search(str(error)):
            raise
        raise MemoryError(" ".join(str(error).split())[:300]) from None


def dispatched(model: Any) -> Dispatched:
    """What torch says of itself, and where and in which type the weights really are."""
    import torch

    devices = {str(weight.device) for weight in model.parameters()}
    name = "libtorch_cpu.so" if devices == {"cpu"} else "libtorch_cuda.so"
    library = Path(torch.__file__).with_name("lib") / name
    features = (*_features(model), *(f"weights_on={device}" for device in sorted(devices)))
    return Dispatched(ISA, str(library) if library.exists() else "", features)


def _features(model: Any) -> Iterator[str]:
    import torch

    types = {str(weight.dtype).removeprefix("torch.") for weight in model.parameters()}
    yield f"aten={torch.backends.cpu.get_cpu_capability().replace(' ', '_')}"
    yield f"mkl={int(torch.backends.mkl.is_available())}"
    yield f"onednn={int(torch.backends.mkldnn.is_available())}"
    yield f"threads={torch.get_num_threads()}"
    yield f"interop_threads={torch.get_num_interop_threads()}"
    yield f"attention={model.config._attn_implementation}"
    yield f"activations={'+'.join(sorted(types))}"
    yield f"float32_products={torch.get_float32_matmul_precision()}"
    if model.device.type == "cuda":
        yield f"gpu={torch.cuda.get_device_name(model.device).replace(' ', '_')}"
