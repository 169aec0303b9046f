"""The same file on one machine with engines of several years: what software alone has gained.

Every release is built here, natively, with the same flags (history_builds.py), and driven alike
(history_worker.py). The file has synthetic weights in TinyLlama's shape: early releases do not read
models whose output head is the embedding. Logits of each release are held against the newest's.
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from edgebench.errors import EdgebenchError
from edgebench.measure.experiments import history_builds
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.measure.experiments.history_builds import Release
    from edgebench.models.prepared import Prepared

WORKER = "edgebench.measure.experiments.history_worker"
PROMPT, OUTPUT, TRIALS = 512, 128, 2
LEAST_CORRELATION = 0.99
FEWEST = 2
LONGEST_S = 1800.0
_LAUNCH_S = 45.0
NAMES = ("prefill_tok_s", "decode_tok_s", "correlation", "waited_share")


class EngineHistory:
    """Settings: `model`, `quant` (synthetic weights), `prompt_tokens`, `output_tokens`, `trials`,
    `versions` (with commas; all of history_builds.RELEASES).
    """

    kind = "engine-history"
    version = 1

    def why_not(self, world: World) -> str | None:
        """Nothing is built at smoke level: it would take longer than all the rest."""
        usable = _usable(world)
        if len(usable) >= FEWEST:
            return None
        missing = ", ".join(each.version for each in _asked(world) if each not in usable)
        return (
            f"{FEWEST} releases of {history_builds.PACKAGE} must be built here, and "
            f"{len(usable) or 'none'} is ({missing} are not); smoke level builds none. Build and "
            "measure them: edgebench claims run cost-decline --level full (about an hour the first "
            "time)."
        )

    def files(self, world: World) -> Sequence[Prepared]:
        settings = world.settings
        name, quant = settings.get("model", "tinyllama"), settings.get("quant", "Q4_0")
        return [world.model(name, quant, "synthetic")]

    def block_s(self, world: World) -> float:
        """With a share of what is still to be built."""
        chosen = _usable(world)
        missing = sum(not history_builds.is_built(world.cache, each) for each in chosen)
        return len(chosen) * _LAUNCH_S + missing * history_builds.EXPECTED_BUILD_S / 10

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:  # noqa: ARG002
        (file,) = self.files(world)
        chosen = _usable(world)
        order = rng.sample(chosen, len(chosen))
        found = {release: _launch(world, file, release) for release in order}
        newest = found[max(chosen, key=lambda each: each.date)]
        return [_point(release, found[release], newest) for release in order]


def _usable(world: World) -> list[Release]:
    """At smoke level those that were built before."""
    asked = _asked(world)
    if world.level == "full":
        return asked
    return [each for each in asked if history_builds.is_built(world.cache, each)]


def _asked(world: World) -> list[Release]:
    versions = world.settings.get("versions")
    return [
        each
        for each in history_builds.RELEASES
        if versions is None or each.version in str(versions).split(",")
    ]


def _launch(world: World, file: Prepared, release: Release) -> dict[str, Any]:
    """What the release's worker said, or `why` it said nothing."""
    try:
        folder = history_builds.build(world.cache, release, world.say)
    except EdgebenchError as error:
        return {"why": str(error)}
    settings = world.settings
    prompt = settings.get("prompt_tokens", PROMPT)
    output = settings.get("output_tokens", OUTPUT)
    rng = random.Random("edgebench engine-history")  # noqa: S311 - tokens, no secret
    asked = {
        "file": str(file.path), "threads": world.threads, "prompt_tokens": prompt,
        "output_tokens": output, "trials": settings.get("trials", TRIALS),
        "tokens": [rng.randrange(3, file.vocabulary) for _ in range(prompt + output)],
    }  # fmt: skip
    with world.turn():
        return _run(asked, {**os.environ, "PYTHONPATH": str(folder)}, str(folder))


def _run(asked: dict[str, Any], env: dict[str, str], folder: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", WORKER], input=json.dumps(asked), env=env, text=True,
            capture_output=True, timeout=LONGEST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"why": f"no answer within {LONGEST_S:g} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return {"why": f"ended with status {done.returncode}: {last[:200]}"}
    said: dict[str, Any] = json.loads(done.stdout)
    if not said["path"].startswith(os.path.realpath(folder)):
        return {"why": "another engine than the one built was loaded"}
    return said


def _point(release: Release, said: dict[str, Any], newest: dict[str, Any]) -> Point:
    condition = {"version": release.version, "date": release.date}
    if "why" in said:
        values: dict[str, float | None] = dict.fromkeys(NAMES)
        return Point(condition=dict(condition), values=values, why=said["why"])
    agreed = None
    if "logits" in newest and newest is not said:
        agreed = correlation(said["logits"], newest["logits"])
    verified = None if agreed is None else agreed >= LEAST_CORRELATION
    if newest is said:
        verified = all(map(math.isfinite, said["logits"]))
    values = {name: said[name] for name in NAMES if name != "correlation"}
    return Point(
        condition=dict(condition),
        values=values | {"correlation": agreed},
        verified=verified,
        why=None if verified is not False else "Its logits are not those of the newest release.",
    )


def correlation(one: Sequence[float], two: Sequence[float]) -> float:
    """Pearson's; 0 where one side does not vary or is not finite."""
    if not all(map(math.isfinite, (*one, *two))) or min(len(set(one)), len(set(two))) < 2:
        return 0.0
    return statistics.correlation(one, two)
