"""Where exported graphs lie, and the process of its own that makes one: onnx stays out of ours."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any, cast

from edgebench import errors
from edgebench.errors import BadModel, EdgebenchError, Interrupted, NotUsableHere
from edgebench.models.making import alone
from edgebench.models.onnx_check import check
from edgebench.models.onnx_exported import EXPORTER_VERSION, GRAPH_NAME, Exported, part_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.models.progress import Progress

COMMAND = (sys.executable, "-P", "-m", "edgebench.models.onnx_export")


def folder_of(sha256: str, cache: Path, activations: str) -> Path:
    """Where the export of the GGUF file with that hash belongs."""
    return cache / "onnx" / f"{sha256[:24]}-{activations}-v{EXPORTER_VERSION}"


def onnx_for(
    gguf: Path,
    sha256: str,
    *,
    cache: Path,
    activations: str,
    allow_derived: bool = False,
    progress: Progress,
    command: Sequence[str] = COMMAND,
) -> Exported:
    """The graph of that GGUF file for `activations` int8, fp32 or fp16; made once, then checked.

    `sha256` is the file's. Two processes that ask at once make it once. Raises BadModel for a
    file or a type of weights that has no lossless counterpart (unless `allow_derived`),
    CannotWrite, NotUsableHere where onnx is not installed, Interrupted for Ctrl-C.
    """
    folder = folder_of(sha256, cache, activations)
    with alone(folder, progress):
        found = _kept(folder)
        if found and found.derived and not allow_derived:
            found = None
        if found:
            return found
        job = {
            "gguf": str(gguf), "folder": str(folder), "activations": activations,
            "allow_derived": allow_derived, "sha256": sha256,
        }  # fmt: skip
        try:
            _make(job, gguf, progress, command)
        finally:
            shutil.rmtree(part_of(folder), ignore_errors=True)
        made = _kept(folder)
    if made is None:
        raise BadModel(f"{gguf}: its ONNX graph could not be made.", "Try again.")
    return made


def _kept(folder: Path) -> Exported | None:
    """What lies there, if it is whole; what is damaged is removed."""
    graph = folder / GRAPH_NAME
    if not graph.exists():
        return None
    try:
        return Exported.of(graph, check(graph).metadata)
    except (EdgebenchError, KeyError, ValueError):
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _make(job: dict[str, Any], gguf: Path, progress: Progress, command: Sequence[str]) -> None:
    progress.start(f"making ONNX of {gguf.name}", gguf.stat().st_size, 0)
    try:
        with (
            tempfile.TemporaryFile() as stderr,
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
            ) as process,
        ):
            try:
                _tell(process, job)
                _listen(process, progress)
                process.wait()
                _check_end(process.returncode, stderr)
            finally:
                process.kill()
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted while making ONNX of {gguf.name}; nothing of it is left behind.",
            "The same command starts it anew.",
        ) from None
    finally:
        progress.finish()


def _tell(process: subprocess.Popen[bytes], job: dict[str, Any]) -> None:
    stdin = cast("IO[bytes]", process.stdin)
    with contextlib.suppress(BrokenPipeError), stdin:
        stdin.write(json.dumps(job).encode())


def _listen(process: subprocess.Popen[bytes], progress: Progress) -> None:
    """Raises the error that the process met, as it would have been raised here."""
    for line in cast("IO[bytes]", process.stdout):
        said = json.loads(line)
        if said["event"] == "advance":
            progress.advance(said["size"])
        elif said["event"] == "error":
            kind: type[EdgebenchError] = getattr(errors, said["kind"], BadModel)
            raise kind(said["problem"], said["remedy"])


def _check_end(status: int, stderr: IO[bytes]) -> None:
    if status != 0:
        stderr.seek(0)
        raise _died(stderr.read().decode(errors="replace"))


def _died(stderr: str) -> EdgebenchError:
    said = " ".join(stderr.split())[-300:]
    if "No module named 'onnx'" in said:
        return NotUsableHere(
            "Making an ONNX graph needs onnx, which is not installed.",
            "Install it: pip install 'edgebench[onnxruntime]'.",
        )
    return BadModel(f"Making an ONNX graph failed: {said or 'it was killed'}.", "Try again.")
