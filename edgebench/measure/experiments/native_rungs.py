"""From Python to tuned kernels, rung by rung, on the same weights: what each step is worth.

cpython           the forward pass in Python alone, two tokens
numpy             backends/reference.py with its weights in memory: NumPy and its BLAS
onnxruntime_fp32  ONNX Runtime, float32
c_O0, c_O3_scalar, c_O3_native
                  data/native_rung.c, compiled here: not optimised, optimised without vectors, with
ggml_F16, ggml_Q8_0, ggml_Q4_0
                  llama.cpp, at falling precision
loop_python, loop_c
                  the same decode steps of llama.cpp, driven from Python and from C

Rungs to ggml_F16 hold the very same weights, those of the F16 file; Q8_0 and Q4_0 are made from the
same source. Each rung of a block is a fresh process, in random order, at one thread and at all.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from edgebench import plugins
from edgebench.backends import LoadOptions
from edgebench.measure.experiments import native_build as building
from edgebench.measure.experiments import native_parts as parts
from edgebench.measure.job import Job
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from edgebench.measure.experiments import World
    from edgebench.models.prepared import Prepared

TASKS = "edgebench.measure.experiments.native_tasks"


RUNGS = (
    parts.Rung("cpython", 0, 2, trials=1, every_count=False, block_s=11.0),
    parts.Rung("numpy", 64, 16, block_s=4.0),
    parts.Rung("onnxruntime_fp32", 64, 16, block_s=4.0),
    parts.Rung("c_O0", 4, 2, trials=1, every_count=False, block_s=6.0),
    parts.Rung("c_O3_scalar", 16, 4, trials=1, every_count=False, block_s=5.0),
    parts.Rung("c_O3_native", 32, 8, block_s=5.0),
    *(parts.Rung(f"ggml_{quant}", 64, 32, block_s=2.5) for quant in parts.FORMATS),
    parts.Rung("loop", 0, 64, every_count=False, block_s=5.0),
)


class NativeRungs:
    kind = "native-rungs"
    version = 1

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._verdicts: dict[tuple[str, int], bool | None] = {}

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return [world.model(parts.MODEL, quant, "real") for quant in parts.FORMATS]

    def block_s(self, world: World) -> float:
        return sum(rung.block_s for rung, _ in _conditions(world))

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        self._prepare(world)
        conditions = _conditions(world)
        rng.shuffle(conditions)
        points: list[Point] = []
        for rung, threads in conditions:
            world.say(f"block {index + 1}: {rung.name}, {threads} thread(s)")
            points += self._measure(world, rung, threads)
        return points

    def _prepare(self, world: World) -> None:
        """Tokens, float32 weights and reference logits, once; none of it is timed."""
        if self._tokens:
            return
        base = world.model(parts.MODEL, parts.BASE, "real")
        weights = parts.weights(world, base)
        if not weights.exists():
            world.say(f"writing the weights of {base.facts.name} as float32, once")
            weights.parent.mkdir(parents=True, exist_ok=True)
            done = world.run(
                Job("task", f"{TASKS.rpartition('.')[0]}.native_weights:write",
                    parameters={"file": str(base.path), "target": str(weights)})
            )  # fmt: skip
            parts.must(done, "written")
        self._tokens = parts.tokens(world, base)
        for quant in parts.FORMATS:
            self._make_reference(world, world.model(parts.MODEL, quant, "real"))

    def _make_reference(self, world: World, file: Prepared) -> None:
        job = Job(
            "reference", plugins.backend_target("reference"), str(file.path),
            LoadOptions("numpy", 1, parts.CHECKED), tokens=tuple(self._tokens[:parts.CHECKED]),
            result_path=str(parts.reference(world, file)),
        )  # fmt: skip
        parts.must(world.run(job), "loaded")

    def _measure(self, world: World, rung: parts.Rung, threads: int) -> Iterator[Point]:
        with world.turn():
            if rung.name == "loop":
                yield from self._loop(world, rung)
            elif rung.name == "cpython" or rung.name.startswith("c_"):
                yield from self._own(world, rung, threads)
            else:
                yield from self._engine(world, rung, threads)

    def _own(self, world: World, rung: parts.Rung, threads: int) -> Iterator[Point]:
        """The rungs of this project: a task that checks its own logits."""
        base = world.model(parts.MODEL, parts.BASE, "real")
        tokens = self._tokens[: max(rung.prompt + rung.steps, 1)]
        parameters: dict[str, Any] = {
            "weights": str(parts.weights(world, base)),
            "reference": str(parts.reference(world, base)),
            "tokens": tokens, "prompt": rung.prompt, "steps": rung.steps, "threads": threads,
            "checked": len(tokens), "trials": rung.trials,
        }  # fmt: skip
        how, task = "CPython", "python_rung"
        if rung.name != "cpython":
            built = building.build(rung.name, world.cache)
            if isinstance(built, str):
                yield from parts.missing(rung, threads, built)
                return
            if threads > 1 and not building.has_threads(built):
                yield from parts.missing(rung, threads, "This compiler has no OpenMP.")
                return
            parameters["library"], how, task = str(built.path), built.how, "c_rung"
        outcome = world.run(Job("task", f"{TASKS}:{task}", parameters=parameters))
        checked, timed = outcome.find("checked"), outcome.all("timed")
        if checked is None or not timed:
            yield from parts.missing(rung, threads, parts.why(outcome))
            return
        verified = parts.passes(checked["distances"], {"F32": 1})
        yield from parts.points(rung, threads, how, timed, verified)

    def _engine(self, world: World, rung: parts.Rung, threads: int) -> Iterator[Point]:
        """A backend, as `run` measures it, verified once per setting."""
        job = self._job(world, rung, threads)
        if isinstance(job, str):
            yield from parts.missing(rung, threads, job)
            return
        verdict = self._verdict(world, rung, threads, job)
        outcome = world.run(job)
        trials = [event for event in outcome.all("trial") if not event["warmup"]]
        loaded = outcome.find("loaded")
        if not trials or loaded is None:
            yield from parts.missing(rung, threads, parts.why(outcome))
            return
        how = loaded["dispatched"]["isa"]
        timed = [{**each, "waited_share": parts.waited(each["counters"])} for each in trials]
        yield from parts.points(rung, threads, how, timed, verdict)

    def _job(self, world: World, rung: parts.Rung, threads: int) -> Job | str:
        """A launch of the rung's engine; or why there is none here."""
        name, file, path = parts.engine_of(world, rung)
        probe = world.probe(name)
        if probe.why_not or isinstance(path, str):
            return probe.why_not or str(path)
        options = LoadOptions(
            isa=probe.isas[0], threads=threads, context_tokens=parts.CHECKED + 64,
            activations="fp32", load_mode="read" if name == "reference" else "mmap",
        )  # fmt: skip
        return Job(
            "measure", plugins.backend_target(name), str(path), options,
            tokens=tuple((self._tokens * 2)[: rung.prompt + rung.steps]),
            prompt_tokens=rung.prompt, output_tokens=rung.steps, trials=rung.trials,
            result_path=str(parts.reference(world, file)),
        )  # fmt: skip

    def _verdict(self, world: World, rung: parts.Rung, threads: int, job: Job) -> bool | None:
        key = (rung.name, threads)
        if key not in self._verdicts:
            done = world.run(
                job._replace(kind="verify", tokens=(*self._tokens[: parts.CHECKED], 0))
            )
            found = done.find("verified")
            types = parts.engine_of(world, rung)[1].facts.tensor_types
            self._verdicts[key] = parts.passes(found["distances"], types) if found else None
        return self._verdicts[key]

    def _loop(self, world: World, rung: parts.Rung) -> Iterator[Point]:
        """llama.cpp driven from Python and from C, in turns, in one process."""
        built = building.build("c_O3_native", world.cache)
        if isinstance(built, str):
            yield from parts.missing(rung, 1, built)
            return
        file = world.model(parts.MODEL, "Q4_0", "real")
        parameters = {
            "file": str(file.path), "library": str(built.path), "threads": 1,
            "isa": world.probe("llama.cpp").isas[0], "steps": rung.steps,
            "tokens": (self._tokens * 2)[: rung.steps],
        }  # fmt: skip
        outcome = world.run(Job("task", f"{TASKS}:binding_loop", parameters=parameters))
        looped = outcome.all("looped")
        if not looped:
            yield from parts.missing(rung, 1, parts.why(outcome))
        for by in sorted({event["by"] for event in looped}):
            mine = [event for event in looped if event["by"] == by]
            rates = [rung.steps / (event["elapsed_ns"] * 1e-9) for event in mine]
            waits = [event["waited_share"] for event in mine]
            yield Point(
                condition=parts.condition(rung._replace(name=f"loop_{by}"), 1, "decode", built.how),
                values={"tok_s": statistics.median(rates), "waited_share": parts.mean(waits)},
                why=None if None not in waits else "The kernel keeps no run delay.",
            )


def _conditions(world: World) -> list[tuple[parts.Rung, int]]:
    """Every rung at every number of threads; the settings `rungs` and `threads` name fewer."""
    named = str(world.settings.get("rungs") or "").split(",")
    counts = parts.counts(world)
    if "threads" in world.settings:
        counts = (int(world.settings["threads"]),)
    return [
        (rung, threads)
        for rung in RUNGS
        if rung.name in named or named == [""]
        for threads in (counts if rung.every_count else (1,))
    ]
