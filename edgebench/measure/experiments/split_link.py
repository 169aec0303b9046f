"""One model on two machines, as far as one machine can show it: cut at a layer, joined by a link.

The halves are ONNX graphs in two processes, each in its own network namespace with half of the
threads; between them a relay delays and slows. Points are of the unsplit model with all threads,
and of the split one under each link of the grid.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from edgebench import plugins
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
# The halves compute what the whole does; only the last digit of a sum may differ.
EQUAL = verify.LIMITS["F32"]


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
        if rng.random() < 0.5:
            return [*self._unsplit(), *self._split(grid)]
        return [*self._split(grid), *self._unsplit()]

    def _unsplit(self) -> list[Point]:
        job = Job("task", UNSPLIT, parameters=self._parameters | {
            "backend": plugins.backend_target(BACKEND), "file": str(self._graph()),
            "offline": False, "threads": self._world.threads, "trials": TRIALS,
            "verified_tokens": self._expected.tokens, "reference": str(self._expected.reference),
        })  # fmt: skip
        condition = {"split": False, "threads": self._world.threads}
        found = asking.measured(self._world, job)
        limits = verify.thresholds(_file(self._world).facts.tensor_types)
        return [asking.point(condition, found, NAMES, limits)]

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
        types = _file(self._world).facts.tensor_types
        return [_point(shared, link, found, self._equal, types) for link in grid]

    @cached_property
    def _ends(self) -> dict[str, dict[str, Any]]:
        """What each end is told: its half, its layers, its threads."""
        cut, layers = _cut(self._world), _layers(_file(self._world))
        shared = self._parameters | {"graph": str(self._graph()), "threads": _threads(self._world)}
        first, second = (str(half) for half in self._halves())
        return {
            "first": shared | {"half": first, "layers": (0, cut)},
            "second": shared | {"half": second, "layers": (cut, layers)},
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

    def _graph(self, activations: str = "int8") -> Path:
        file = _file(self._world)
        made = onnx_for(
            file.path, file.facts.sha256, cache=self._world.cache, activations=activations,
            progress=Silent(),
        )  # fmt: skip
        return made.path

    def _halves(self, activations: str = "int8") -> tuple[Path, Path]:
        """Cut once, and kept beside the whole graph."""
        cut, graph = _cut(self._world), self._graph(activations)
        folder = graph.parent / f"cut-{cut}"
        halves = folder / "first.onnx", folder / "second.onnx"
        if not all(half.exists() for half in halves):
            parameters = {"graph": str(graph), "folder": str(folder), "layer": cut}
            found = self._world.run(Job("task", f"{TASK}:cut", parameters=parameters))
            if found.failure:
                raise NotUsableHere(f"The graph could not be cut: {found.failure.message}.")
        return halves

    @cached_property
    def _equal(self) -> dict[str, Any]:
        """How far the halves are from the whole when activations are float32."""
        self._world.say("comparing the halves with the whole, once")
        job = Job("task", f"{TASK}:compare", parameters=self._parameters | {
            "graph": str(self._graph("fp32")), "layer": _cut(self._world), "activations": "fp32",
            "halves": [str(half) for half in self._halves("fp32")], "threads": self._world.threads,
            "tokens": self._tokens[: VERIFIED + 1],
        })  # fmt: skip
        found = self._world.run(job)
        compared = found.find("compared")
        if compared is None:
            raise NotUsableHere(f"The halves could not be compared: {asking.why(found)}.")
        distances: dict[str, Any] = compared["distances"]
        return distances

    @cached_property
    def _expected(self) -> Verifying:
        file = _file(self._world)
        tokens = self._tokens[: VERIFIED + 1]
        return asking.reference_for(self._world, file.path, file.facts.sha256, tokens)


def _point(
    shared: dict[str, Any],
    link: tuple[float, float],
    found: Outcome,
    equal: dict[str, Any],
    tensor_types: dict[str, int],
) -> Point:
    """The point of one link, or why there is none. It is verified when what came over the link is
    as near to the reference as every engine has to be, and the halves equal the whole.
    """
    condition = shared | {"round_trip_ms": link[0], "rate_mbit_s": link[1]}
    events = found.all("split")
    seen = next((e for e in events if (e["round_trip_ms"], e["rate_mbit_s"]) == link), None)
    verified = found.find("verified")
    if seen is None or verified is None:
        return asking.missing(condition, NAMES, asking.why(found))
    near = verify.judge(verify.Distances(**verified["distances"]), verify.thresholds(tensor_types))
    same = verify.judge(verify.Distances(**equal), EQUAL)
    values = asking.known(seen["values"]) | {
        "mean_kl_nats": verified["distances"]["mean_kl"],
        "mean_kl_from_whole_fp32_nats": equal["mean_kl"],
        "relative_logit_error_from_whole_fp32": equal["relative_logit_error"],
    }
    passed = near.status == same.status == "passed"
    why = near.reason or same.reason
    return Point(condition=condition, values=values, verified=passed, why=why)


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
    return world.chosen("Q8_0")
