"""Memory bandwidth as a lever: neighbours that read as fast as they can take some of it away, and
what one thread still reads, and how fast it decodes, is measured with them and without.

Each thread and each hog has a CPU of its own, so that what they share is memory and the last-level
cache. Conditions in random order, each in a fresh process.
"""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING, Any

from edgebench.machine import bandwidth, kernel_files
from edgebench.measure.experiments.native_parts import waited
from edgebench.measure.job import Job
from edgebench.measure.roofline import last_level_cache_bytes
from edgebench.models.fit import available_bytes
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.measure.runner import Outcome
    from edgebench.models.prepared import Prepared

TASKS = "edgebench.measure.experiments.hog_tasks"
MOST_HOGS = 4
READS, STEPS = 20, 24
# A model far larger than caches, and the small one that everything else measures.
MODELS = (("tinyllama", "Q4_0", "synthetic"), ("smollm2-135m", "Q8_0", "real"))


class BandwidthHog:
    kind = "bandwidth-hog"
    version = 1

    def why_not(self, world: World) -> str | None:
        if len(_cpus(world)) < 2:
            return "One CPU: a hog needs one of its own. Run on a machine with two."
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return [world.model(*each) for each in MODELS]

    def block_s(self, world: World) -> float:  # noqa: ARG002 - the same everywhere
        return 20.0

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        conditions = [(hogs, model) for hogs in (False, True) for model in (None, *MODELS)]
        rng.shuffle(conditions)
        points = []
        for hogs, model in conditions:
            what = model[0] if model else "reading"
            world.say(f"block {index + 1}: {what}, {'with' if hogs else 'without'} hogs")
            points.append(_measure(world, hogs, model))
        return points


def _measure(world: World, hogs: bool, model: tuple[str, str, str] | None) -> Point:
    mine, *others = _cpus(world)
    cpus = others[:MOST_HOGS] if hogs else []
    parameters: dict[str, Any] = {"hog_cpus": cpus, "buffer_bytes": _buffer_bytes(world)}
    if model is None:
        job = Job("task", f"{TASKS}:read", parameters=parameters | {"trials": READS}, cpus=(mine,))
    else:
        file = world.model(*model)
        tokens = [(7 * n + 11) % file.vocabulary for n in range(STEPS)]
        extra = {"file": str(file.path), "isa": _isa(world), "tokens": tokens}
        job = Job("task", f"{TASKS}:decode", parameters=parameters | extra, cpus=(mine,))
    with world.turn():
        outcome = world.run(job)
    condition = {
        "hogs": len(cpus), "what": "read" if model is None else "decode",
        "model": model[0] if model else None, "quant": model[1] if model else None,
    }  # fmt: skip
    return _point(condition, outcome)


def _point(condition: dict[str, Any], outcome: Outcome) -> Point:
    """Bytes or tokens per second, the median of the trials or steps."""
    reads, decoded, spent = outcome.all("read"), outcome.find("decoded"), outcome.find("waited")
    name = "read_bytes_s" if condition["what"] == "read" else "tok_s"
    if spent is None or not (reads or decoded):
        why = outcome.failure.message if outcome.failure else "The worker said nothing."
        return Point(condition=condition, values={name: None}, why=why)
    if decoded:
        rate = 1e9 / statistics.median(decoded["step_ns"])
    else:
        rate = statistics.median(each["bytes"] / (each["elapsed_ns"] * 1e-9) for each in reads)
    share = waited(spent)
    return Point(
        condition=condition,
        values={name: rate, "waited_share": share},
        why=None if share is not None else "The kernel keeps no run delay.",
    )


def _cpus(world: World) -> list[int]:
    """One CPU per physical core where that is known, of those that this process may use."""
    allowed = sorted(
        kernel_files.cpu_list(world.device.affinity or "")
        or getattr(os, "sched_getaffinity", lambda _: set(range(os.cpu_count() or 1)))(0)
    )
    cores = world.device.physical_cores
    return allowed[:: max(1, len(allowed) // max(1, min(cores, len(allowed))))]


def _buffer_bytes(world: World) -> int:
    from pathlib import Path

    free = available_bytes(Path("/")) // (MOST_HOGS + 1)
    return bandwidth.buffer_bytes(last_level_cache_bytes(world.device), free)


def _isa(world: World) -> str:
    return world.probe("llama.cpp").isas[0]
