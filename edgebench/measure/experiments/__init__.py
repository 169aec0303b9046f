"""Measurements of the claims suite that no cell of `edgebench run` holds: one file each.

An experiment gives its points block by block; whoever runs it saves the record after each block
and, after a kill, goes on with the block that is missing. Whatever is measured happens in worker
processes of its own (`Job` of kind "task"); the clock is read there and never inside a backend.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from edgebench.errors import UnknownName

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.measure.campaign import RunJob
    from edgebench.measure.plan import Probe
    from edgebench.models.prepared import Prepared
    from edgebench.schema.device import Device
    from edgebench.schema.experiment import Point


class World(NamedTuple):
    """What an experiment needs from outside.

    `model` gives a model file by name and weight format, fetched, verified and made where need be
    ("real" or "synthetic" weights). `turn` is held while something is measured. `scratch` is empty
    and is removed afterwards; what may be kept for later goes below `cache`.
    """

    level: Literal["smoke", "full"]
    settings: Mapping[str, Any]
    device: Device
    threads: int
    cache: Path
    scratch: Path
    model: Callable[[str, str, str], Prepared]
    probe: Callable[[str], Probe]
    run: RunJob
    turn: Callable[[], AbstractContextManager[object]]
    say: Callable[[str], None]

    @property
    def model_name(self) -> str:
        """As the settings have it, else smollm2-135m."""
        return str(self.settings.get("model", "smollm2-135m"))

    def chosen(self, quant: str) -> Prepared:
        """The real weights that the settings name, in their format, else in `quant`."""
        return self.model(self.model_name, self.settings.get("quant", quant), "real")


class ExperimentKind(Protocol):
    """One kind of experiment. Constructing it does nothing."""

    kind: str
    version: int

    def why_not(self, world: World) -> str | None:
        """A sentence with its remedy, or None when it can be done here."""

    def files(self, world: World) -> Sequence[Prepared]:
        """The model files that it opens, for the record."""

    def block_s(self, world: World) -> float:
        """About how long one block takes on two cores, for the time left."""

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        """All conditions once, in random order. A failure under a condition is a point whose values
        are null and whose `why` says so.
        """


KINDS = {
    "native-rungs": "edgebench.measure.experiments.native_rungs:NativeRungs",
    "lora": "edgebench.measure.experiments.lora:Lora",
    "split-link": "edgebench.measure.experiments.split_link:SplitLink",
    "private-offline": "edgebench.measure.experiments.private_offline:PrivateOffline",
    "perplexity": "edgebench.measure.experiments.quality:Quality",
    "layers-dropped": "edgebench.measure.experiments.layers_dropped:LayersDropped",
    "bandwidth-hog": "edgebench.measure.experiments.bandwidth_hog:BandwidthHog",
    "pass-key": "edgebench.measure.experiments.pass_key:PassKey",
    "obedience": "edgebench.measure.experiments.obedience:Obedience",
    "task-items": "edgebench.measure.experiments.task_items:TaskItems",
    "context-compress": "edgebench.measure.experiments.context_compress:ContextCompress",
    "sensor-records": "edgebench.measure.experiments.sensor_records:SensorRecords",
    "edge-conditions": "edgebench.measure.experiments.edge_conditions:EdgeConditions",
    "token-counts": "edgebench.measure.experiments.token_counts:TokenCounts",
    "engine-history": "edgebench.measure.experiments.engine_history:EngineHistory",
}


def find(kind: str) -> ExperimentKind:
    """The experiment of that kind. Raises UnknownName."""
    if kind not in KINDS:
        raise UnknownName.of("experiment", kind, KINDS)
    module, _, name = KINDS[kind].partition(":")
    found: ExperimentKind = getattr(import_module(module), name)()
    return found
