"""A cheaper tier where there is one model: the same file without some of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.measure.experiments import asking
from edgebench.models import layers
from edgebench.models.prepared import prepare
from edgebench.models.progress import Silent
from edgebench.schema.tasks import PRUNED

if TYPE_CHECKING:
    from edgebench.measure.experiments import World
    from edgebench.models.prepared import Prepared


def without_layers(world: World, base: Prepared, count: int) -> Prepared:
    """`base` without `count` layers in its middle, made once. Raises BadInput, CannotWrite."""
    path = asking.made_in(world, "layers", base) / f"{base.facts.quant}-without-{count}-middle.gguf"
    if not path.exists():
        world.say(f"leaving {count} layers out of {base.facts.name}")
        total = base.facts.shape.layers if base.facts.shape else 0
        layers.drop(base.path, path, total, layers.chosen(total, count, "middle"))
    name = f"{base.facts.model or base.facts.name} without {count} layers"
    return prepare(path, source=PRUNED, cache=world.cache, progress=Silent(), model=name)
