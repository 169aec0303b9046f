"""Weights saved in the engine's own layout: made once, mapped afterwards.

They belong to one version of ONNX Runtime and one CPU, so both are in the folder's name. They are
made in a process of its own, whose memory is not the measured one's.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from edgebench.backends import EngineError

NAME = "model.onnx"
# Above the constants that shapes are inferred from, which must stay in the graph, and below any
# matrix's scales: ONNX Runtime 1.31.1 answers NaN or crashes when a prepacked matrix has its
# scales in the graph.
LEAST_EXTERNAL_BYTES = 64


def prepacked(graph: Path, device: str = "cpu") -> Path:
    """The same graph with weights as this engine lays them out on this CPU, beside `graph`.

    The first call makes it, under a lock. Raises EngineError where that fails.
    """
    from filelock import FileLock

    if device != "cpu":
        raise EngineError("prepacked weights are saved for the CPU only")
    folder = graph.parent / f"prepacked-{here()}"
    if not (folder / NAME).exists():
        try:
            with FileLock(f"{folder}.lock"):
                if not (folder / NAME).exists():
                    _make(graph, folder)
        except OSError as error:
            raise EngineError(f"{folder} cannot be written: {error.strerror}") from None
    return folder / NAME


def save(graph: Path, target: Path) -> None:
    """Write `graph`, optimized and prepacked, to `target`; its weights go beside it."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(target)
    for key, value in {
        "session.save_external_prepacked_constant_initializers": "1",
        "session.optimized_model_external_initializers_file_name": f"{NAME}.data",
        "session.optimized_model_external_initializers_min_size_in_bytes": str(
            LEAST_EXTERNAL_BYTES
        ),
    }.items():
        options.add_session_config_entry(key, value)
    ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _make(graph: Path, folder: Path) -> None:
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    command = [sys.executable, "-P", "-m", __name__, str(graph.absolute()), str(part / NAME)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(part, ignore_errors=True)
        raise EngineError(
            f"saving prepacked weights failed: {' '.join(done.stderr.split())[-300:]}"
        )
    part.rename(folder)


def here(root: Path = Path("/")) -> str:
    """This engine and this CPU, in a few letters."""
    import onnxruntime as ort

    try:
        text = (root / "proc/cpuinfo").read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    wanted = ("model name", "flags", "Features", "CPU part")
    lines = sorted({line for line in text.splitlines() if line.startswith(wanted)})
    return f"{ort.__version__}-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:8]}"


if __name__ == "__main__":
    save(Path(sys.argv[1]), Path(sys.argv[2]))
