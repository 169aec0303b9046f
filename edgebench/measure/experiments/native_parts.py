"""The pieces of native-rungs: what a rung is, its files, and its points."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench import files, plugins
from edgebench.backends import LoadOptions
from edgebench.errors import EdgebenchError, NotUsableHere
from edgebench.measure import verify
from edgebench.measure.job import Job
from edgebench.measure.teacher import TEXT_NAME
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.progress import Silent
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.measure.runner import Outcome
    from edgebench.models.prepared import Prepared

BASE = "F16"
FORMATS = (BASE, "Q8_0", "Q4_0")
CHECKED = 64
MODEL = "smollm2-135m"


class Rung(NamedTuple):
    """`prompt` and `steps` tokens are timed. Slow rungs have fewer: their rate per token does not
    depend on the number, since each token costs them the same.
    """

    name: str
    prompt: int
    steps: int
    trials: int = 2
    every_count: bool = True
    block_s: float = 4.0


def points(
    rung: Rung, threads: int, how: str, timed: Sequence[Mapping[str, Any]], verified: bool | None
) -> Iterator[Point]:
    """One per phase: the median trial's rate."""
    waits = [each["waited_share"] for each in timed]
    phases = {
        "prefill": [rung.prompt / (t["prefill_ns"] * 1e-9) for t in timed if t["prefill_ns"]],
        "decode": [len(t["step_ns"]) / (sum(t["step_ns"]) * 1e-9) for t in timed],
    }
    for phase, rates in phases.items():
        if rates:
            yield Point(
                condition=condition(rung, threads, phase, how),
                values={"tok_s": statistics.median(rates), "waited_share": mean(waits)},
                verified=verified,
                why=None if None not in waits else "The kernel keeps no run delay.",
            )


def missing(rung: Rung, threads: int, why: str) -> Iterator[Point]:
    for phase in ("prefill", "decode"):
        yield Point(
            condition=condition(rung, threads, phase, ""), values={"tok_s": None}, why=why[:500]
        )


def condition(rung: Rung, threads: int, phase: str, how: str) -> dict[str, Any]:
    return {
        "rung": rung.name, "threads": threads, "phase": phase, "prompt_tokens": rung.prompt,
        "steps": rung.steps, "built": how,
    }  # fmt: skip


def engine_of(world: World, rung: Rung) -> tuple[str, Prepared, Path | str]:
    """Backend, model file, and what the backend is told to open, or why that cannot be made."""
    if rung.name == "onnxruntime_fp32":
        file = world.model(MODEL, BASE, "real")
        return "onnxruntime", file, exported(world, file)
    quant = rung.name.removeprefix("ggml_") if rung.name.startswith("ggml_") else BASE
    file = world.model(MODEL, quant, "real")
    return "reference" if rung.name == "numpy" else "llama.cpp", file, file.path


def exported(world: World, file: Prepared) -> Path | str:
    try:
        return onnx_for(
            file.path, file.facts.sha256, cache=world.cache, activations="fp32",
            allow_derived=False, progress=Silent(),
        ).path  # fmt: skip
    except EdgebenchError as error:
        return str(error)


def tokens(world: World, file: Prepared) -> list[int]:
    """The teacher's text by the file's own tokenizer."""
    text = files.packaged(f"{TEXT_NAME}.txt").read_text(encoding="utf-8")[:2000]
    options = LoadOptions(world.probe("llama.cpp").isas[0], 1, 64)
    job = Job("tokenize", plugins.backend_target("llama.cpp"), str(file.path), options, text=text)
    return list(must(world.run(job), "tokenized")["tokens"])[: CHECKED + 64]


def weights(world: World, base: Prepared) -> Path:
    return world.cache / "native" / f"{base.facts.sha256[:24]}-f32-v1.bin"


def reference(world: World, file: Prepared) -> Path:
    return world.scratch / f"{file.facts.sha256[:24]}.npy"


def counts(world: World) -> tuple[int, ...]:
    return tuple(dict.fromkeys((1, world.threads)))


def passes(distances: Mapping[str, Any], types: Mapping[str, int]) -> bool:
    found = verify.Distances(**distances)
    return verify.judge(found, verify.thresholds(types)).status == "passed"


def must(outcome: Outcome, event: str) -> dict[str, Any]:
    found = outcome.find(event)
    if found is None:
        raise NotUsableHere(f"native-rungs could not be prepared: {why(outcome)}")
    return found


def why(outcome: Outcome) -> str:
    return outcome.failure.message if outcome.failure else "The worker said nothing."


def waited(counted: Mapping[str, Any]) -> float | None:
    waited_ns = counted["run_delay_ns"]
    if waited_ns is None:
        return None
    total = waited_ns * 1e-9 + counted["cpu_user_s"] + counted["cpu_system_s"]
    return waited_ns * 1e-9 / total if total else None


def mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
