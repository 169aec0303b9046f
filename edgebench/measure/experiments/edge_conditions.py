"""A chat turn as it is on a machine that is somebody's: another program keeps one core busy, or
the model has to be read from the disk first. Beside both, the same turn on the quiet machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.measure import verify
from edgebench.measure.experiments import asking

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Point

TASK = "edgebench.measure.experiments.edge_conditions_task:measure"
STATES = ("quiet", "busy", "cold")
# As chat.v1: 256 tokens in. A token is four characters or so of English.
PROMPT, OUTPUT, TURNS = 256, 64, 3
CHARACTERS = 6 * PROMPT
NAMES = ("load_s", "start_s", "first_token_s", "token_s", "token_p95_s")
# Above this share of its pages in memory a start was not cold.
COLD_SHARE = 0.01


class EdgeConditions:
    """Settings: `model`, `quant` (Q4_0), `prompt_tokens`, `output_tokens`, `trials` (turns)."""

    kind = "edge-conditions"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return (_file(world),)

    def block_s(self, world: World) -> float:  # noqa: ARG002 - about the same everywhere
        return 4.0 * len(STATES)

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        """Raises NotUsableHere without the engine, or for a file without a tokenizer."""
        points = []
        for state in rng.sample(STATES, len(STATES)):
            world.say(f"block {index + 1}: {state}")
            points.append(_measured(world, state))
        return points


def _measured(world: World, state: str) -> Point:
    file, asked = _file(world), _asked(world)
    text = asking.text()[:CHARACTERS]
    tokens = asking.tokens_of(world, file.path, text)[: asking.VERIFIED_POSITIONS + 1]
    expected = asking.reference_for(world, file.path, file.facts.sha256, tokens)
    job = asking.task(
        world, TASK, file.path, asked["prompt_tokens"] + asked["output_tokens"] + 1, text=text,
        cold=state == "cold", neighbours=int(state == "busy"), verified_tokens=expected.tokens,
        reference=str(expected.reference), **asked,
    )  # fmt: skip
    found = asking.measured(world, job)
    limits = verify.thresholds(file.facts.tensor_types)
    point = asking.point({"state": state}, found, NAMES, limits)
    return _only_if_cold(point) if state == "cold" else point


def _only_if_cold(point: Point) -> Point:
    """The times of opening are null where the kernel kept the file's pages, or would not say."""
    share = point.values.get("page_cache")
    if "start_s" not in point.values or (share is not None and share < COLD_SHARE):
        return point
    kept = "an unknown share" if share is None else f"{share:.0%}"
    why = f"Not cold: {kept} of the file stayed in memory."
    return point.model_copy(
        update={"values": point.values | {"load_s": None, "start_s": None}, "why": why}
    )


def _asked(world: World) -> dict[str, int]:
    settings: Any = world.settings
    return {
        "prompt_tokens": settings.get("prompt_tokens", PROMPT),
        "output_tokens": settings.get("output_tokens", OUTPUT),
        "turns": settings.get("trials", TURNS),
    }


def _file(world: World) -> Prepared:
    return world.chosen("Q4_0")
