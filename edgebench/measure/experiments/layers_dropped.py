"""Speed and quality of a model without some of its layers, in the middle or at the end.

Nothing is trained afterwards: this is what leaving out alone does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.measure import verify
from edgebench.measure.experiments import asking
from edgebench.measure.experiments.chunks import Chunks
from edgebench.models import layers
from edgebench.models.cache import hash_file
from edgebench.models.progress import Silent

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.measure.runner import Outcome
    from edgebench.models.layers import Where
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Point

TASK = "edgebench.measure.experiments.quality_task:measure"
DROPPED = (2, 4, 8)
PLACES: tuple[Where, ...] = ("middle", "end")
PROMPT, OUTPUT, TRIALS = 256, 64, 3
SPEED = ("prefill_s", "decode_s_per_token", "waited_share", "peak_rss_bytes", "file_bytes")
QUALITY = ("nll_nats", "base_nll_nats", "kl_nats", "scored_tokens")

# Without its layers a network has states for which 8-bit activations are coarse: four layers of
# smollm2-135m in Q8_0 are at a mean KL of 0.024 to 0.030, on two engines. A wrong one is far off.
DAMAGED = verify.Limits(mean_kl=0.15, max_kl=5.0, top1_agreement=0.6)


class _Variant(NamedTuple):
    dropped: int
    where: Where | None


class LayersDropped:
    """Settings: `quant` (Q4_0), `dropped`, `chunks` (2), `chunk_tokens`, `prompt_tokens`,
    `output_tokens`, `trials`.
    """

    kind = "layers-dropped"
    version = 1

    def __init__(self) -> None:
        self._chunks = Chunks()
        self._made: dict[_Variant, tuple[Path, str]] = {}

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return (_base(world),)

    def block_s(self, world: World) -> float:
        return 7.0 * len(_variants(world))

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        world = world._replace(settings={"chunks": 2, "chunk_tokens": 256} | dict(world.settings))
        variants = _variants(world)
        rng.shuffle(variants)
        return [point for each in variants for point in self._points(world, each, index)]

    def _points(self, world: World, variant: _Variant, index: int) -> list[Point]:
        """One point for the speed, and one for each chunk of text."""
        base = _base(world)
        path, sha256 = self._file(world, variant)
        chunks = self._chunks.of_block(world, base.path, index)
        expected = asking.reference_for(world, path, sha256, self._verified(world, base))
        asked: Any = world.settings
        prompt, output = asked.get("prompt_tokens", PROMPT), asked.get("output_tokens", OUTPUT)
        tokens = [token for chunk in chunks for token in chunk]
        while len(tokens) < prompt + output:
            tokens += tokens
        job = asking.task(
            world, TASK, path, max(prompt + output, len(chunks[0])), base=str(base.path),
            chunks=chunks, tokens=tokens[: prompt + output], prompt_tokens=prompt,
            output_tokens=output, trials=asked.get("trials", TRIALS),
            verified_tokens=expected.tokens, reference=str(expected.reference),
        )  # fmt: skip
        found = asking.measured(world, job)
        condition = {"layers_dropped": variant.dropped, "where": variant.where}
        limits = DAMAGED if variant.dropped else verify.thresholds(base.facts.tensor_types)
        speed = asking.point(condition | {"chunk": None}, found, SPEED, limits)
        values = speed.values | {"file_bytes": float(path.stat().st_size)}
        return [speed.model_copy(update={"values": values}), *_scored(condition, found)]

    def _verified(self, world: World, base: Prepared) -> tuple[int, ...]:
        """The same tokens in every block, so that a reference is computed once."""
        first = self._chunks.of_block(world, base.path, 0)[0]
        return first[: asking.VERIFIED_POSITIONS + 1]

    def _file(self, world: World, variant: _Variant) -> tuple[Path, str]:
        """The file without those layers, and its hash; made once."""
        base = _base(world)
        if variant.where is None:
            return base.path, base.facts.sha256
        if variant not in self._made:
            name = f"{base.facts.quant}-without-{variant.dropped}-{variant.where}.gguf"
            path = asking.made_in(world, "layers", base) / name
            if not path.exists():
                world.say(f"leaving {variant.dropped} layers out of {base.facts.name}")
                count = _layers(base)
                left_out = layers.chosen(count, variant.dropped, variant.where)
                layers.drop(base.path, path, count, left_out)
            self._made[variant] = path, hash_file(path, Silent())
        return self._made[variant]


def _scored(condition: dict[str, Any], found: Outcome) -> list[Point]:
    scored = found.all("scored")
    if not scored or found.failure:
        return [asking.missing(condition | {"chunk": 0}, QUALITY, asking.why(found))]
    return [asking.scored(condition | {"chunk": each["chunk"]}, each["values"]) for each in scored]


def _variants(world: World) -> list[_Variant]:
    dropped = world.settings.get("dropped", DROPPED)
    return [_Variant(0, None), *(_Variant(count, where) for count in dropped for where in PLACES)]


def _layers(base: Prepared) -> int:
    return base.facts.shape.layers if base.facts.shape else 0


def _base(world: World) -> Prepared:
    return world.chosen("Q4_0")
