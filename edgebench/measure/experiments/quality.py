"""What weight formats cost in quality: perplexity, and KL divergence from F16, on bundled text.

F16 is made from the file at hand; where that is quantized already, the loss is beside what it has
lost before (docs/method.md). A block is a part of the text that no other block has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.measure.experiments import asking
from edgebench.measure.experiments.chunks import Chunks

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Point

TASK = "edgebench.measure.experiments.quality_task:measure"
BASE = "F16"
FORMATS = ("F16", "Q8_0", "Q5_0", "Q4_0", "Q4_1", "IQ4_NL")
NAMES = ("nll_nats", "base_nll_nats", "kl_nats", "scored_tokens")


class Quality:
    """Settings: `formats`, `chunks` of a block (4), `chunk_tokens` (512)."""

    kind = "perplexity"
    version = 1

    def __init__(self) -> None:
        self._chunks = Chunks()

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return [_model(world, quant) for quant in dict.fromkeys((BASE, *_formats(world)))]

    def block_s(self, world: World) -> float:
        return 10.0 * len(_formats(world))

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        formats = list(_formats(world))
        rng.shuffle(formats)
        return [point for quant in formats for point in self._points(world, quant, index)]

    def _points(self, world: World, quant: str, index: int) -> list[Point]:
        base, file = _model(world, BASE), _model(world, quant)
        chunks = self._chunks.of_block(world, base.path, index)
        job = asking.task(
            world, TASK, file.path, len(chunks[0]), base=str(base.path), chunks=chunks, trials=0
        )
        found = world.run(job)
        condition = {"format": quant, "base": BASE, "tensor_types": _types(file)}
        scored = found.all("scored")
        if not scored or found.failure:
            return [asking.missing(condition | {"chunk": None}, NAMES, asking.why(found))]
        return [
            asking.scored(condition | {"chunk": each["chunk"]}, each["values"]) for each in scored
        ]


def _formats(world: World) -> Sequence[str]:
    formats: Sequence[str] = world.settings.get("formats", FORMATS)
    return formats


def _model(world: World, quant: str) -> Prepared:
    return world.model(world.model_name, quant, "real")


def _types(file: Prepared) -> str:
    return ",".join(f"{name}:{count}" for name, count in sorted(file.facts.tensor_types.items()))
