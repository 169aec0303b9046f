"""What is measured beside the hogs, in a worker: read bandwidth, and decode steps of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.backends import LoadOptions
from edgebench.machine import counters
from edgebench.measure.experiments.hog import reader
from edgebench.measure.experiments.neighbours import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    Clock = Callable[[], int]
    Emit = Callable[..., None]


def read(parameters: dict[str, Any], clock: Clock, emit: Emit) -> None:
    """Task: bytes per second that one thread reads while the hogs run."""
    size_bytes = parameters["buffer_bytes"]
    with reader(size_bytes) as read_all, hogs(parameters["hog_cpus"], size_bytes):
        before = counters.snapshot()
        for _ in range(parameters["trials"]):
            begun = clock()
            read_all()
            emit("read", elapsed_ns=clock() - begun, bytes=size_bytes)
        emit("waited", **_waited(before))


def decode(parameters: dict[str, Any], clock: Clock, emit: Emit) -> None:
    """Task: decode steps of llama.cpp with one thread while the hogs run; one warm-up round."""
    from edgebench.backends.llama_cpp import LlamaCpp

    tokens = parameters["tokens"]
    options = LoadOptions(isa=parameters["isa"], threads=1, context_tokens=2 * len(tokens))
    with LlamaCpp().load(Path(parameters["file"]), options) as session:
        for token in tokens:
            session.decode((token,))
        session.reset()
        with hogs(parameters["hog_cpus"], parameters["buffer_bytes"]):
            before = counters.snapshot()
            step_ns = []
            for token in tokens:
                begun = clock()
                session.decode((token,))
                step_ns.append(clock() - begun)
            emit("decoded", step_ns=step_ns)
            emit("waited", **_waited(before))


def hogs(cpus: Sequence[int], size_bytes: int) -> AbstractContextManager[None]:
    """One hog on each of these CPUs, running; all are gone afterwards."""
    module = "edgebench.measure.experiments.hog"
    return beside([(module, str(cpu), str(size_bytes)) for cpu in cpus])


def _waited(before: counters.Snapshot) -> dict[str, float | int | None]:
    spent = counters.difference(before, counters.snapshot())
    return {name: spent[name] for name in ("run_delay_ns", "cpu_user_s", "cpu_system_s")}
