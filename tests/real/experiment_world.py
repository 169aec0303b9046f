"""A World for experiments on the real model, whole or on a few layers of it in a tenth of the time:
real weights, tokens and engines.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from edgebench.measure.experiments import World
from edgebench.measure.preparing import Wanted, prepared_files, probe
from edgebench.measure.runner import run_job
from edgebench.models import layers
from edgebench.models.cache import hash_file
from edgebench.models.prepared import prepare
from edgebench.models.progress import Silent
from edgebench.models.quantize import Source, quantize
from tests.results_maker import DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgebench.models.prepared import Prepared

LAYERS, LEFT_OUT = 30, frozenset(range(2, 28))


def world(cache_dir: Path, smollm2: Path, **settings: Any) -> World:
    """Four layers. Everything that is made lies below `cache_dir`, for later worlds as well."""
    small = cache_dir / "small.gguf"
    if not small.exists():
        layers.drop(smollm2, small, LAYERS, LEFT_OUT)

    def model(_name: str, quant: str, _weights: str) -> Prepared:
        source = Source("small", small, hash_file(small, Silent()))
        made = quantize(
            source, quant, cache=cache_dir, progress=Silent(), allow_requantize=True, threads=2
        )
        return prepare(made.path, source="made", cache=cache_dir, progress=Silent())

    return _world(cache_dir, cache(model), settings)


def whole_world(cache_dir: Path, models: Path, **settings: Any) -> World:
    """`models` is edgebench's own cache, where the real weights lie."""

    def model(name: str, quant: str, weights: str) -> Prepared:
        wanted = Wanted((name,), (quant,), None, weights)
        (file,) = prepared_files(wanted, cache=models, progress=Silent(), dry=False)
        return file

    return _world(cache_dir, cache(model), settings)


def _world(
    cache_dir: Path, model: Callable[[str, str, str], Prepared], settings: dict[str, Any]
) -> World:
    run = partial(run_job, silence_s=300.0)
    scratch = cache_dir / "scratch"
    scratch.mkdir(exist_ok=True)
    return World(
        level="smoke",
        settings=settings,
        device=DEVICE,
        threads=1,
        cache=cache_dir,
        scratch=scratch,
        model=model,
        probe=cache(lambda name: probe(name, run)),
        run=run,
        turn=nullcontext,
        say=lambda _text: None,
    )
