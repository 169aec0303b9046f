"""Engines in an empty network namespace, traced for what they ask of the network; and the speed.

Traced are load, prefill, decode and verification of each engine that is installed. The speed of
one engine is compared with the network there and away. A control connects on purpose, to show
that such a trace would see it.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cached_property
from typing import TYPE_CHECKING

from edgebench import plugins
from edgebench.measure import verify
from edgebench.measure.experiments import asking
from edgebench.measure.job import Job
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.progress import Silent
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.measure.experiments.asking import Verifying
    from edgebench.measure.runner import Outcome
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Scalar

    Condition = dict[str, Scalar]

MODULE = "edgebench.measure.experiments.private_offline_task"
ENGINES = ("llama.cpp", "onnxruntime", "torch", "reference")
FORMATS = {"onnxruntime": "onnx"}
OPTIONS = {"torch": {"activations": "fp32"}, "reference": {"load_mode": "read"}}
TRACED_PROMPT, TRACED_OUTPUT = 16, 4
TRACING_S = 30.0
OUTPUT, TRIALS, VERIFIED = 128, 3, 16
SPEED = ("decode_s_per_token", "waited_share", "kernel_attempts", "interfaces")
COUNTS = ("network_calls", "outbound_calls", "loopback_calls", "local_calls", "completed")


class PrivateOffline:
    """Settings: `engines` (those installed of the known), `output_tokens`, `trials`."""

    kind = "private-offline"
    version = 1

    def __init__(self, which: Callable[[str], str | None] = shutil.which) -> None:
        self._which = which

    def why_not(self, world: World) -> str | None:
        if reason := world.probe("llama.cpp").why_not:
            return reason
        found = world.run(Job("task", f"{MODULE}:enter", parameters={}))
        if found.failure is None:
            return None
        return (
            f"Nothing can be run without a network here: {found.failure.message}. Run as root, or "
            "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)."
        )

    def files(self, world: World) -> Sequence[Prepared]:
        return (_file(world),)

    def block_s(self, world: World) -> float:
        return 10.0 + 6.0 * len(_engines(world))

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:  # noqa: ARG002
        self._world = world
        steps: list[Callable[[], Point]] = [self._control]
        steps += [lambda offline=offline: self._speed(offline=offline) for offline in (True, False)]  # type: ignore[misc]
        steps += [lambda engine=engine: self._traced(engine) for engine in _engines(world)]  # type: ignore[misc]
        rng.shuffle(steps)
        return [step() for step in steps]

    def _speed(self, *, offline: bool) -> Point:
        output = self._world.settings.get("output_tokens", OUTPUT)
        trials = self._world.settings.get("trials", TRIALS)
        job = self._job("llama.cpp", 0, output, trials, offline=offline)
        condition: Condition = {"engine": "llama.cpp", "network": _word(offline), "traced": False}
        found = asking.measured(self._world, job)
        return asking.point(condition, found, SPEED, _limits(self._world))

    def _traced(self, engine: str) -> Point:
        """Whether it ended well, its output was right, and what it asked of the network."""
        condition: Condition = {"engine": engine, "network": "none", "traced": self._can_trace}
        try:
            job = self._job(engine, TRACED_PROMPT, TRACED_OUTPUT, 1, offline=True)
            found = self._run(job)
        except Exception as error:  # noqa: BLE001 - whatever stops one engine is that engine's point
            return asking.missing(condition, COUNTS, str(error))
        made = asking.point(condition, found, (), _limits(self._world))
        counts = found.find("traced")
        values = asking.known(counts["values"] if counts else {})
        values |= {"completed": float(found.failure is None)}
        if "kernel_attempts" in made.values:
            values["kernel_attempts"] = made.values["kernel_attempts"]
        return made.model_copy(update={"values": values})

    def _control(self) -> Point:
        found = self._run(Job("task", f"{MODULE}:reach_out", parameters={}))
        condition: Condition = {"engine": "control", "network": "none", "traced": self._can_trace}
        timed, counts = found.find("timed"), found.find("traced")
        if timed is None:
            return asking.missing(condition, COUNTS, asking.why(found))
        values = (counts["values"] if counts else {}) | timed["values"]
        return Point(condition=condition, values=asking.known(values))

    def _run(self, job: Job) -> Outcome:
        """Under strace where there is one; else the kernel's counters are all that is known."""
        if self._can_trace:
            job = Job("task", f"{MODULE}:traced", parameters={"job": job.to_json()})
        return self._world.run(job)

    def _job(self, engine: str, prompt: int, output: int, trials: int, *, offline: bool) -> Job:
        known = self._verified
        parameters = {
            "backend": plugins.backend_target(engine),
            "file": str(self._path(engine)),
            "isa": asking.isa_of(self._world, engine),
            "threads": self._world.threads,
            "context_tokens": max(prompt + output, VERIFIED + 1),
            "offline": offline,
            "tokens": self._tokens[: prompt + output],
            "prompt_tokens": prompt, "output_tokens": output, "trials": trials,
            "verified_tokens": known.tokens, "reference": str(known.reference),
        }  # fmt: skip
        return Job("task", f"{MODULE}:measure", parameters=parameters | OPTIONS.get(engine, {}))

    def _path(self, engine: str) -> Path:
        file = _file(self._world)
        if FORMATS.get(engine) != "onnx":
            return file.path
        made = onnx_for(
            file.path, file.facts.sha256, cache=self._world.cache, activations="int8",
            progress=Silent(),
        )  # fmt: skip
        return made.path

    @cached_property
    def _can_trace(self) -> bool:
        """Whether strace is here and may trace: containers often forbid it."""
        strace = self._which("strace")
        return strace is not None and may_trace(strace)

    @cached_property
    def _tokens(self) -> tuple[int, ...]:
        most = max(self._world.settings.get("output_tokens", OUTPUT), TRACED_PROMPT + TRACED_OUTPUT)
        said = asking.text()[: 8 * most]
        return asking.tokens_of(self._world, _file(self._world).path, said)[:most]

    @cached_property
    def _verified(self) -> Verifying:
        file = _file(self._world)
        tokens = self._tokens[: VERIFIED + 1]
        return asking.reference_for(self._world, file.path, file.facts.sha256, tokens)


def _file(world: World) -> Prepared:
    return world.chosen("Q8_0")


def may_trace(strace: str) -> bool:
    """Whether it traces a program that does nothing."""
    command = [strace, "-f", "-qq", "-e", "trace=network", "true"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TRACING_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _limits(world: World) -> verify.Limits:
    return verify.thresholds(_file(world).facts.tensor_types)


def _engines(world: World) -> list[str]:
    wanted = world.settings.get("engines", ENGINES)
    return [name for name in wanted if world.probe(name).why_not is None]


def _word(offline: bool) -> str:
    return "none" if offline else "up"
