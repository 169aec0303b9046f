"""What the two kinds of ONNX session share: opening one, binding memory, reading back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import Dispatched, EngineError
from edgebench.backends.onnx_kernels import by_rule, cpu_flags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.backends import LoadOptions
    from edgebench.models.onnx_check import Facts

ISA = "mlas"
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
SPINNING = "session.intra_op.allow_spinning"
# On ARM KleidiAI's int8 kernels are coarser than MLAS's own: smollm2-135m Q4_0 is then at a mean
# KL of 0.018 from the reference instead of 0.004, and is not verified (docs/arm.md).
NO_KLEIDIAI = "mlas.disable_kleidiai"


def settings(options: LoadOptions) -> Any:
    """Session options in which nothing is left to a default that matters."""
    import onnxruntime as ort

    found = ort.SessionOptions()
    found.intra_op_num_threads = options.threads
    found.inter_op_num_threads = 1
    found.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    found.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    found.log_severity_level = 3
    found.add_session_config_entry(SPINNING, str(int(options.spinning)))
    found.add_session_config_entry("session.inter_op.allow_spinning", "0")
    found.add_session_config_entry(NO_KLEIDIAI, "1")
    found.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return found


def preload(device: str) -> None:
    """Load CUDA's and cuDNN's libraries from the packages that pip put beside ONNX Runtime.

    Nothing else looks for them there (ONNX Runtime's "Preload DLLs"); where pip did not put them
    the system's are used.
    """
    import onnxruntime as ort

    if device == "cuda" and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()


def open_session(path: Path, options: LoadOptions) -> Any:
    """An InferenceSession on the device asked for. Raises EngineError in the engine's words."""
    import onnxruntime as ort

    wanted = PROVIDERS[options.device]
    providers = list(dict.fromkeys([wanted, PROVIDERS["cpu"]]))
    try:
        session = ort.InferenceSession(str(path), settings(options), providers=providers)
    except Exception as error:  # noqa: BLE001 - its exceptions share no base but this
        raise EngineError(one_line(error)) from None
    if wanted not in session.get_providers():
        # The engine falls back to the CPU and only logs it.
        raise EngineError(
            f"ONNX Runtime could not start its {wanted} and fell back to the CPU: install the CUDA "
            "and cuDNN that it was built for, see docs/cuda.md"
        )
    return session


def run(session: Any, binding: Any) -> None:
    """One call of the engine. Raises EngineError in its words."""
    try:
        session.run_with_iobinding(binding)
    except Exception as error:  # noqa: BLE001 - its exceptions share no base but this
        raise EngineError(one_line(error)) from None


def check_tokens(tokens: Sequence[int], vocabulary: int) -> None:
    """Raises EngineError for tokens that the graph would read out of bounds with."""
    if not tokens:
        raise EngineError("no tokens were given")
    if min(tokens) < 0 or max(tokens) >= vocabulary:
        raise EngineError(f"a token is outside the vocabulary of {vocabulary}")


def check_room(count: int, used: int, context: int) -> None:
    """Raises EngineError where `count` tokens more do not fit beside the `used` ones."""
    if used + count > context:
        raise EngineError(f"the context of {context} tokens is full")


def dispatched(session: Any, facts: Facts, kv_type: str, *, prepacked: bool) -> Dispatched:
    """The library that is mapped, and what the session says of itself."""
    set_ = session.get_session_options()
    features = [
        *_placed(session),
        f"threads={set_.intra_op_num_threads}",
        f"spinning={set_.get_session_config_entry(SPINNING)}",
        f"activations={facts.activations}",
        f"kleidiai={int(set_.get_session_config_entry(NO_KLEIDIAI) != '1')}",
        f"kv={kv_type}",
        f"prepacked={int(prepacked)}",
        f"kernels_by_cpuid_rule={by_rule(cpu_flags(Path('/')))}",
        f"graph_optimization={set_.graph_optimization_level.name.removeprefix('ORT_').lower()}",
    ]
    return Dispatched(ISA, _library(), tuple(features))


def one_line(error: BaseException) -> str:
    """The engine's message without line breaks and without where in its source it arose."""
    return " ".join(str(error).split())[:500] or type(error).__name__


def nbytes(shape: Sequence[int], element_bytes: int) -> int:
    return math.prod(shape) * element_bytes


def _placed(session: Any) -> Iterator[str]:
    """`CPUExecutionProvider=784`: how many nodes each provider really got."""
    counts = dict.fromkeys(session.get_providers(), 0)
    for subgraph in session.get_provider_graph_assignment_info():
        counts[subgraph.ep_name] = counts.get(subgraph.ep_name, 0) + len(subgraph.get_nodes())
    for name, count in counts.items():
        yield f"{name}={count}"


def _library() -> str:
    from onnxruntime.capi import onnxruntime_pybind11_state

    return str(Path(onnxruntime_pybind11_state.__file__))
