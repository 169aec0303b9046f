"""What a LoRA adapter costs: beside the weights, merged into them, two in turns, and none.

Adapters are random (edgebench/models/lora.py). An adapter beside the weights is held against the
float32 reference of the weights with the adapter merged in, and the same engine without the adapter
has to miss it. Merged weights are quantized again, which loses some of the adapter; they are held
against the reference of their own file, as every file is.
"""

from __future__ import annotations

import shutil
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.measure import verify
from edgebench.measure.experiments import asking
from edgebench.models import lora
from edgebench.models.cache import hash_file
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.progress import Silent
from edgebench.models.quantize import Source, quantize

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.measure.experiments import World
    from edgebench.measure.experiments.asking import Verifying
    from edgebench.measure.runner import Outcome
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Point

TASK = "edgebench.measure.experiments.lora_task:measure"
RANKS = (8, 16, 64)
SWITCHED_RANK = 16
SEEDS = (1, 2)
MERGED = "reference/merged"
PROMPT, OUTPUT, TRIALS = 256, 64, 3
NAMES = (
    "request_s", "prefill_s", "decode_s_per_token", "waited_share", "load_s", "adapter_load_s",
    "switch_s", "peak_rss_bytes",
)  # fmt: skip


class _Launch(NamedTuple):
    """What one condition opens: a file, adapters beside it, and what it must equal."""

    file: Path
    adapters: tuple[Path, ...]
    expected: Verifying
    tensor_types: dict[str, int]


class Lora:
    """Settings: `quant` of the base (Q4_0), `ranks`, `prompt_tokens`, `output_tokens`, `trials`."""

    kind = "lora"
    version = 1

    def __init__(self) -> None:
        self._launches: dict[tuple[str, int], _Launch] = {}

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return (_base(world),)

    def block_s(self, world: World) -> float:
        return 4.0 * len(_conditions(world))

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:  # noqa: ARG002
        conditions = _conditions(world)
        rng.shuffle(conditions)
        return [self._point(world, mode, rank) for mode, rank in conditions]

    def _point(self, world: World, mode: str, rank: int) -> Point:
        launch = self._prepared(world, mode, rank)
        asked = world.settings
        prompt, output = asked.get("prompt_tokens", PROMPT), asked.get("output_tokens", OUTPUT)
        job = asking.task(
            world, TASK, launch.file, max(prompt + output, len(launch.expected.tokens)),
            adapters=[str(path) for path in launch.adapters], tokens=self._tokens,
            prompt_tokens=prompt, output_tokens=output, trials=asked.get("trials", TRIALS),
            verified_tokens=launch.expected.tokens, reference=str(launch.expected.reference),
        )  # fmt: skip
        found = asking.measured(world, job)
        limits = verify.thresholds(launch.tensor_types)
        made = asking.point({"mode": mode, "rank": rank}, found, NAMES, limits)
        return _applied(made, found, launch)

    def _prepared(self, world: World, mode: str, rank: int) -> _Launch:
        """The files of a condition, made once and kept."""
        if not self._launches:
            self._world = world
        if (mode, rank) not in self._launches:
            self._launches[mode, rank] = self._make(world, mode, rank)
        return self._launches[mode, rank]

    def _make(self, world: World, mode: str, rank: int) -> _Launch:
        base = _base(world)
        types, verified = base.facts.tensor_types, self._tokens[: asking.VERIFIED_POSITIONS + 1]
        reference = partial(asking.reference_for, world)
        if mode == "base":
            return _Launch(base.path, (), reference(base.path, base.facts.sha256, verified), types)
        made = _Made(world, base, rank, verified)
        if mode == "merged":
            path, sha256 = made.requantized()
            return _Launch(path, (), reference(path, sha256, verified), _types_of(path))
        seeds = SEEDS if mode == "switched" else SEEDS[:1]
        adapters = tuple(made.adapter(seed) for seed in seeds)
        return _Launch(base.path, adapters, made.reference(), types)

    @cached_property
    def _tokens(self) -> tuple[int, ...]:
        asked = self._world.settings
        most = asked.get("prompt_tokens", PROMPT) + asked.get("output_tokens", OUTPUT)
        most = max(most, asking.VERIFIED_POSITIONS + 1)
        return asking.tokens_of(self._world, _base(self._world).path, asking.text()[: 8 * most])[
            :most
        ]


class _Made:
    """What is made of one rank: adapters, and merged files of the first adapter."""

    def __init__(self, world: World, base: Prepared, rank: int, verified: tuple[int, ...]) -> None:
        self._world, self._base, self._rank, self._verified = world, base, rank, verified
        self._folder = asking.made_in(world, "lora", base)

    def adapter(self, seed: int) -> Path:
        path = self._folder / f"rank{self._rank}-seed{seed}-v{lora.VERSION}.gguf"
        lora.write_adapter(self._base.path, path, rank=self._rank, seed=seed)
        return path

    def reference(self) -> Verifying:
        """Of the weights with the adapter merged in, in float32."""
        self._ensure()
        return self._kept()

    def requantized(self) -> tuple[Path, str]:
        """The merged weights in the format of the base, and that file's hash."""
        self._ensure()
        return self._target, hash_file(self._target, Silent())

    def _ensure(self) -> None:
        """Both are made of one merged float32 file, which is large and is not kept."""
        if self._target.exists() and self._kept().reference.exists():
            return
        self._world.say(f"merging an adapter of rank {self._rank} into {self._base.facts.name}")
        merged = self._world.scratch / f"merged-{self._rank}.gguf"
        lora.merge(self._base.path, self.adapter(SEEDS[0]), merged)
        asking.reference_for(self._world, merged, self._identity, self._verified, MERGED)
        source = Source(self._target.stem, merged, hash_file(merged, Silent()))
        made = quantize(
            source, self._base.facts.quant, cache=self._world.scratch, progress=Silent(),
            allow_requantize=False, threads=self._world.threads,
        )  # fmt: skip
        self._target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made.path, self._target)
        merged.unlink()

    def _kept(self) -> Verifying:
        return asking.kept_reference(self._world, self._identity, self._verified, MERGED)

    @cached_property
    def _identity(self) -> str:
        return hash_file(self.adapter(SEEDS[0]), Silent())

    @property
    def _target(self) -> Path:
        quant = self._base.facts.quant
        return self._folder / f"merged-rank{self._rank}-{quant}-v{lora.VERSION}.gguf"


def _applied(made: Point, found: Outcome, launch: _Launch) -> Point:
    """The point, not verified where the engine without the adapter is as near to the merged
    weights: the adapter then did nothing.
    """
    bare = found.find("bare")
    if bare is None or made.verified is None:
        return made
    limits = verify.thresholds(launch.tensor_types)
    without = verify.judge(verify.Distances(**bare["distances"]), limits)
    values: dict[str, Any] = made.values | {"bare_mean_kl_nats": bare["distances"]["mean_kl"]}
    if without.status == "passed":
        why = "Without the adapter the output is as near to the merged weights: it did nothing."
        return made.model_copy(update={"values": values, "verified": False, "why": why})
    return made.model_copy(update={"values": values})


def _conditions(world: World) -> list[tuple[str, int]]:
    ranks = world.settings.get("ranks", RANKS)
    switched = SWITCHED_RANK if SWITCHED_RANK in ranks else ranks[0]
    pairs = [(mode, rank) for mode in ("unmerged", "merged") for rank in ranks]
    return [("base", 0), *pairs, ("switched", switched)]


def _base(world: World) -> Prepared:
    return world.chosen("Q4_0")


def _types_of(path: Path) -> dict[str, int]:
    return describe(read_header(path)).tensor_types
