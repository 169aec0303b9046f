"""Another weight format of a model that is here, by llama.cpp's own quantizer."""

from __future__ import annotations

import contextlib
import errno
import json
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from edgebench.errors import BadInput, EdgebenchError, NotUsableHere
from edgebench.machine.child import kill, last_words
from edgebench.models import cost, formats
from edgebench.models.cache import hash_file
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.made import Made, keep, origin, seal
from edgebench.models.making import becoming, full, once
from edgebench.models.world import disk_free as free_bytes
from edgebench.schema.model import MadeFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.models.making import DiskFree
    from edgebench.models.progress import Progress
    from edgebench.schema.model import Shape

# -P: a json.py in the working directory must not be imported.
WORKER = (sys.executable, "-P", "-m", "edgebench.backends.llama_cpp_quantize")
TOOL = "llama.cpp's llama_model_quantize"
STREAM_FAILED = "iostream error"  # all that the C++ library says of a disk that refuses


class Source(NamedTuple):
    """A GGUF file to make others from. `name` begins the names of the files made from it."""

    name: str
    path: Path
    sha256: str


class _Task(NamedTuple):
    source: Source
    quant: str
    chain: tuple[str, ...]
    seed: int | None
    shape: Shape
    allow_requantize: bool
    threads: int
    worker: Sequence[str]

    @property
    def size_bytes(self) -> int:
        return sum(weight.size_bytes for weight in cost.weights_of(self.shape, self.quant))


def quantized_path(source: Source, quant: str, cache: Path) -> Path:
    """Where that format of `source` lies; the name says what the file really holds.

    Raises UnknownName, BadInput, and BadModel where the source is no sound model.
    """
    known = formats.find_format(quant)
    shape = describe(read_header(source.path)).shape
    formats.check_shape(shape, known)
    label = formats.label(known, formats.held(shape, known))
    return cache / "models" / "quantized" / f"{source.name}-{label}-from-{source.sha256[:12]}.gguf"


def quantize(
    source: Source,
    quant: str,
    *,
    cache: Path,
    progress: Progress,
    allow_requantize: bool,
    threads: int = 1,
    disk_free: DiskFree = free_bytes,
    worker: Sequence[str] = WORKER,
) -> Made:
    """`source` in the format `quant`, made unless it is there, and checked when it is made.

    Two processes may ask at once: one makes it, the other waits. Ctrl-C and a full disk leave
    nothing behind. Raises UnknownName; BadInput for a source that is quantized already, unless
    `allow_requantize`; NotUsableHere without llama.cpp; CannotWrite; Interrupted.
    """
    known = formats.find_format(quant)
    path = quantized_path(source, known, cache)
    task = _task(source, known, allow_requantize=allow_requantize, threads=threads, worker=worker)
    warning = formats.warning(known, formats.held(task.shape, known))
    record = once(path, progress, lambda: _make(task, path, progress, disk_free))
    return Made(path, record, warning)


def _task(
    source: Source, quant: str, *, allow_requantize: bool, threads: int, worker: Sequence[str]
) -> _Task:
    found = describe(read_header(source.path))
    came = origin(source.path, source.sha256)
    quantized = sorted(set(found.tensor_types) - formats.FLOATS)
    if quantized and not allow_requantize:
        raise BadInput(
            f"{source.path.name} is quantized already ({', '.join(quantized)}); making {quant} of "
            "it adds that loss to its own.",
            "Give --allow-requantize to do so, or start from F16 or F32.",
        )
    chain = (*came.chain, quant)
    return _Task(source, quant, chain, came.seed, found.shape, allow_requantize, threads, worker)


def _make(task: _Task, path: Path, progress: Progress, disk_free: DiskFree) -> MadeFile:
    # The header is the source's, with other types in it.
    needed_bytes = task.size_bytes + read_header(task.source.path).data_offset
    with becoming(path, needed_bytes, disk_free) as part:
        _run(task, part, f"making {path.name}", progress)
        _check(task, part, path, needed_bytes)
        record = _record(task, hash_file(part, progress))
        keep(path, record)
    seal(path, record.sha256)
    return record


def _record(task: _Task, sha256: str) -> MadeFile:
    return MadeFile(
        sha256=sha256,
        made="quantized",
        quant=task.quant,
        from_sha256=task.source.sha256,
        chain=task.chain,
        seed=task.seed,
        tool=TOOL,
    )


def _run(task: _Task, part: Path, label: str, progress: Progress) -> None:
    """Run the worker to its end; whatever ends this function ends the worker.

    Raises OSError when the worker could not write, NotUsableHere for other failures.
    """
    with tempfile.TemporaryFile() as stderr:
        process = _start(task, part, stderr)
        progress.start(label, task.size_bytes, 0)
        try:
            failure = _listen(process, task.size_bytes, progress)
        except BaseException:
            kill(process)
            raise
        finally:
            status = process.wait()
            progress.finish()
        if failure and STREAM_FAILED in failure:
            raise OSError(errno.EIO, "the disk refused")
        if failure or status:
            said = failure or f"it ended with status {status} {last_words(stderr, 300)}".strip()
            raise NotUsableHere(
                f"{task.source.path.name} could not be made {task.quant} by llama.cpp: {said}.",
                "Check the file, and that llama-cpp-python is installed: edgebench[llama-cpp].",
            )


def _start(task: _Task, part: Path, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which then ends the worker and
    # removes what it wrote.
    process = subprocess.Popen(
        task.worker,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    work = {
        "source": str(task.source.path.absolute()),
        "target": str(part.absolute()),
        "file_type": formats.file_type(task.quant),
        "allow_requantize": task.allow_requantize,
        "threads": task.threads,
    }
    stdin = cast("IO[bytes]", process.stdin)
    with contextlib.suppress(BrokenPipeError), stdin:
        stdin.write(json.dumps(work).encode())
    return process


def _listen(process: subprocess.Popen[bytes], total_bytes: int, progress: Progress) -> str | None:
    """Follow the worker's events; why it failed, where it says so."""
    failure, told = None, 0
    with cast("IO[bytes]", process.stdout) as stdout:
        for line in stdout:
            event = json.loads(line)
            if event["event"] == "tensor":
                now = total_bytes * event["done"] // event["of"]
                progress.advance(now - told)
                told = now
            elif event["event"] == "failed":
                failure = str(event["message"])
    return failure


def _check(task: _Task, part: Path, path: Path, needed_bytes: int) -> None:
    """Raises CannotWrite for a file that ends before its header says, NotUsableHere for other
    types than the rules foretell.
    """
    try:
        holds = describe(read_header(part)).tensor_types
    except EdgebenchError as error:
        if part.exists() and part.stat().st_size >= needed_bytes:
            raise
        raise full(path, f"the disk refused ({error.problem})", needed_bytes) from None
    expected = cost.tensor_types(cost.weights_of(task.shape, task.quant))
    extra = {"F32": holds.get("F32", 0)}  # a file may hold tables beside the weights
    if holds | extra != expected | extra:
        raise NotUsableHere(
            f"llama.cpp made {holds} of {task.source.path.name}, its known rules make {expected}.",
            "Use the version of llama-cpp-python that edgebench pins.",
        )
