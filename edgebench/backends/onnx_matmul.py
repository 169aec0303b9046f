"""How fast this machine multiplies 8-bit integers, by ONNX Runtime: a graph of one MatMulInteger.

Both engines multiply quantized weights with activations that they round to int8. MatMulInteger
(ONNX operator set 10) is that product and nothing else: unsigned by signed bytes into int32, no
scales to apply, in MLAS's kernels for whatever this CPU has (VNNI, dotprod, i8mm, AMX). So it
lies above what either engine can reach, which is what a ceiling is for; MatMulNBits, which also
rounds and scales, reached a quarter of it. ggml's own kernels would need its graph interface
through ctypes, whose structures change with every release.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.machine.together import fastest_ns

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, INNER, COLUMNS = 256, 2048, 2048
LEFT, RIGHT = 3, -5


def measure(threads: int, trials: int, _size: int, clock: Callable[[], int]) -> dict[str, object]:
    """The fastest of `trials` products on a thread pool of the engine's.

    Raises EngineError, with the remedy, where ONNX Runtime is not installed.
    """
    try:
        import onnxruntime as ort
        from onnx import __version__ as _  # noqa: F401 - the graph is made with it
    except ImportError:
        raise EngineError(
            "onnxruntime is not installed. Install it: pip install 'edgebench[onnxruntime]'."
        ) from None
    import numpy as np

    session, output = _session(threads), np.empty((ROWS, COLUMNS), dtype=np.int32)
    binding = session.io_binding()
    binding.bind_cpu_input("x", np.full((ROWS, INNER), LEFT, dtype=np.uint8))
    binding.bind_output("y", "cpu", 0, np.int32, output.shape, output.ctypes.data)
    session.run_with_iobinding(binding)
    if not (output == LEFT * RIGHT * INNER).all():
        raise EngineError("ONNX Runtime multiplied two matrices of integers wrongly")
    rate = {
        "method": f"MatMulInteger of onnxruntime {ort.__version__}",
        "operations": 2 * ROWS * INNER * COLUMNS,
        "fastest_ns": fastest_ns(
            [partial(session.run_with_iobinding, binding)], trials=trials, clock=clock
        ),
    }
    return {"rates": [rate]}


def _session(threads: int) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin make figures collapse when a neighbour takes a core; products of
    # milliseconds can afford to wake them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(_graph(), options, providers=["CPUExecutionProvider"])


def _graph() -> bytes:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    weights = np.full((INNER, COLUMNS), RIGHT, dtype=np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "ceiling",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [ROWS, INNER])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [ROWS, COLUMNS])],
        [numpy_helper.from_array(weights, "w")],
    )
    opset = helper.make_opsetid("", 17)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString())
