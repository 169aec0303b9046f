"""Whether a number is still known, by how far back in the text it was said.

After "pass-key retrieval" (Mohtashami & Jaggi 2023, arXiv:2305.16300) and "lost in the middle"
(Liu et al. 2023, arXiv:2307.03172). The filler is the bundled text; the key is said twice, is new
each time, and is right only when every digit of the greedy answer is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.measure.experiments import asking
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.models.prepared import Prepared

TASK = "edgebench.measure.experiments.pass_key_task:measure"
LENGTHS = {"smoke": (128, 512, 1024), "full": (128, 512, 1024, 2048, 4096)}
POSITIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
KEYS = 2
NAMES = ("correct", "tokens_right", "answer_s")
FILLER_START = 20_000
HEAD = "A pass key is hidden in the text below. Remember it.\n\n"
NEEDLE = "\n\nThe pass key is {key}. Remember it. {key} is the pass key.\n\n"
TAIL = "\n\nWhat is the pass key? The pass key is"


class PassKey:
    """Settings: `quant` (Q8_0), `lengths` in tokens, `positions`, `keys` of a block for each."""

    kind = "pass-key"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return (_file(world),)

    def block_s(self, world: World) -> float:
        return 3.0 + sum(length / 400 for length, _ in _conditions(world))

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:  # noqa: ARG002
        file, conditions = _file(world), _conditions(world)
        rng.shuffle(conditions)
        asked = [_asked(length, position, rng) for length, position in conditions]
        longest = max(length for length, _ in conditions)
        job = asking.task(world, TASK, file.path, longest + 32, asked=asked, filler=asking.text())
        found = world.run(job)
        answers = {event["index"]: event["values"] for event in found.all("answered")}
        return [
            Point(condition=_condition(each), values=answers[i])
            if i in answers
            else asking.missing(_condition(each), NAMES, asking.why(found))
            for i, each in enumerate(asked)
        ]


def _asked(length: int, position: float, rng: random.Random) -> dict[str, Any]:
    key = rng.randrange(10_000, 100_000)
    return {
        "prompt_tokens": length,
        "position": position,
        "start": rng.randrange(FILLER_START),
        "head": HEAD,
        "needle": NEEDLE.format(key=key),
        "tail": TAIL,
        "answer": f" {key}",
    }


def _condition(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in ("prompt_tokens", "position")}


def _conditions(world: World) -> list[tuple[int, float]]:
    settings: Any = world.settings
    lengths = settings.get("lengths", LENGTHS[world.level])
    keys = range(settings.get("keys", KEYS))
    positions = settings.get("positions", POSITIONS)
    return [(length, position) for length in lengths for position in positions for _ in keys]


def _file(world: World) -> Prepared:
    return world.chosen("Q8_0")
