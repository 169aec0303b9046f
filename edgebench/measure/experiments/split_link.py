"""One model on two machines, as far as one machine can show it: cut at a layer, joined by a link.

The halves are ONNX graphs in two processes, each in its own network namespace with half of the
threads; between them a relay delays and slows. Points are of the unsplit model with all threads,
and of the split one under each link of the grid.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from edgebench import plugins
from edgebench.backends import LoadOptions
from edgebench.errors import NotUsableHere
from edgebench.measure import verify
from edgebench.measure.experiments import asking
from edgebench.measure.job import Job
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.progress import Silent
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.measure.experiments.asking import Verifying
    from edgebench.measure.runner import Outcome
    from edgebench.models.prepared import Prepared

TASK = "edgebench.measure.experiments.split_task"
UNSPLIT = "edgebench.measure.experiments.private_offline_task:measure"
BACKEND = "onnxruntime"
PROMPT, OUTPUT, TRIALS, VERIFIED = 256, 32, 3, 16
GRIDS = {
    "smoke": ((0, 20, 100), (1, 10, 100)),
    "full": ((0, 1, 5, 20, 50, 100), (1, 10, 100, 1000)),
}
NAMES = ("decode_s_per_token", "prefill_s", "ping_s", "bytes_up", "bytes_down", "wire_bytes")
# The halves compute what the whole does; only the order of some float32 sums may differ.
LIMITS = verify.Limits(mean_kl=0.001, max_kl=0.02, top1_agreement=0.95)


class SplitLink:
    """Settings: `quant` (Q8_0), `cut` (half of the layers), `round_trip_ms`, `rate_mbit_s`,
    `prompt_tokens`, `output_tokens`, `namespaces` (False: loopback).
    """

    kind = "split-link"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe(BACKEND).why_not or world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return (_file(world),)

    def block_s(self, world: World) -> float:
        return 15.0 + sum(1.0 + 0.05 * rtt + 5.0 / rate for rtt, rate in _grid(world))

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:  # noqa: ARG002
        self._world = world
        grid = _grid(world)
        rng.shuffle(grid)
        steps = [self._unsplit, lambda: self._split(grid)]
        rng.shuffle(steps)
        return [point for step in steps for point in step()]

    def _unsplit(self) -> list[Point]:
        job = Job("task", UNSPLIT, parameters=self._parameters | {
            "backend": plugins.backend_target(BACKEND), "file": str(self._graph), "offline": False,
            "threads": self._world.threads, "trials": TRIALS,
            "verified_tokens": self._expected.tokens, "reference": str(self._expected.reference),
        })  # fmt: skip
        condition = {"split": False, "threads": self._world.threads}
        found = asking.measured(self._world, job)
        return [asking.point(condition, found, NAMES, _file(self._world).facts.tensor_types)]

    def _split(self, grid: list[tuple[float, float]]) -> list[Point]:
        settings = self._world.settings
        job = Job("task", f"{TASK}:conduct", parameters=self._parameters | {
            "namespaces": settings.get("namespaces", True), "grid": grid, "ends": self._ends,
            "reference": str(self._expected.reference), "following": self._expected.tokens[1:],
        })  # fmt: skip
        found = asking.measured(self._world, job)
        said = found.find("network") or {"kind": None, "why": None}
        shared = {"split": True, "threads": 2 * _threads(self._world), "cut": _cut(self._world),
                  "network": said["kind"], "no_namespaces_because": said["why"]}  # fmt: skip
        return [_point(shared, link, found) for link in grid]

    @cached_property
    def _ends(self) -> dict[str, dict[str, Any]]:
        """What each end is told: its half, its layers, its threads."""
        cut, layers = _cut(self._world), _layers(_file(self._world))
        parts = {"first": ("first.onnx", (0, cut)), "second": ("second.onnx", (cut, layers))}
        shared = self._parameters | {"graph": str(self._graph), "threads": _threads(self._world)}
        return {
            role: shared | {"half": str(self._halves / name), "layers": span}
            for role, (name, span) in parts.items()
        }

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        settings = self._world.settings
        prompt, output = (
            settings.get("prompt_tokens", PROMPT),
            settings.get("output_tokens", OUTPUT),
        )
        return {
            "isa": "mlas", "context_tokens": max(prompt + output, VERIFIED + 1),
            "prompt_tokens": prompt, "output_tokens": output,
            "tokens": self._tokens[: max(prompt + output, VERIFIED + 1)],
        }  # fmt: skip

    @cached_property
    def _tokens(self) -> tuple[int, ...]:
        said = asking.text()[:8000]
        return asking.tokens_of(self._world, _file(self._world).path, said)

    @cached_property
    def _graph(self) -> Path:
        file = _file(self._world)
        made = onnx_for(
            file.path, file.facts.sha256, cache=self._world.cache, activations="int8",
            progress=Silent(),
        )  # fmt: skip
        return made.path

    @cached_property
    def _halves(self) -> Path:
        cut = _cut(self._world)
        folder = self._graph.parent / f"cut-{cut}"
        if not (folder / "second.onnx").exists():
            job = Job("task", f"{TASK}:cut", parameters={
                "graph": str(self._graph), "folder": str(folder), "layer": cut,
            })  # fmt: skip
            found = self._world.run(job)
            if found.failure:
                raise NotUsableHere(f"The graph could not be cut: {found.failure.message}.")
        return folder

    @cached_property
    def _expected(self) -> Verifying:
        """What the unsplit graph gives on this engine."""
        file = _file(self._world)
        tokens = self._tokens[: VERIFIED + 1]
        kept = asking.kept_reference(self._world, file.facts.sha256, tokens, "reference/unsplit")
        kept.reference.parent.mkdir(parents=True, exist_ok=True)
        if not kept.reference.exists():
            options = LoadOptions("mlas", 1, len(tokens))
            job = Job("reference", plugins.backend_target(BACKEND), str(self._graph), options,
                      tokens=tokens[:-1], result_path=str(kept.reference))  # fmt: skip
            found = self._world.run(job)
            if found.failure:
                raise NotUsableHere(f"The unsplit graph failed: {found.failure.message}.")
        return kept


def _point(shared: dict[str, Any], link: tuple[float, float], found: Outcome) -> Point:
    """The point of one link, or why there is none."""
    condition = shared | {"round_trip_ms": link[0], "rate_mbit_s": link[1]}
    events = found.all("split")
    seen = next((e for e in events if (e["round_trip_ms"], e["rate_mbit_s"]) == link), None)
    verified = found.find("verified")
    if seen is None or verified is None:
        return asking.missing(condition, NAMES, asking.why(found))
    said = verify.judge(verify.Distances(**verified["distances"]), LIMITS)
    values = seen["values"] | {
        "mean_kl_nats": verified["distances"]["mean_kl"],
        "relative_logit_error": verified["distances"]["relative_logit_error"],
    }
    passed = said.status == "passed"
    return Point(condition=condition, values=values, verified=passed, why=said.reason)


def _grid(world: World) -> list[tuple[float, float]]:
    trips, rates = GRIDS[world.level]
    trips = world.settings.get("round_trip_ms", trips)
    rates = world.settings.get("rate_mbit_s", rates)
    return [(trip, rate) for trip in trips for rate in rates]


def _threads(world: World) -> int:
    """Of each half."""
    return max(1, world.threads // 2)


def _cut(world: World) -> int:
    cut: int = world.settings.get("cut", _layers(_file(world)) // 2)
    return cut


def _layers(file: Prepared) -> int:
    return file.facts.shape.layers if file.facts.shape else 0


def _file(world: World) -> Prepared:
    settings: Any = world.settings
    return world.model(settings.get("model", "smollm2-135m"), settings.get("quant", "Q8_0"), "real")
