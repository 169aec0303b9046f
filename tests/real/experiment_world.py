"""A World for experiments on a few layers of the real model: real weights, tokens and engines, in
a tenth of the time.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from edgebench.measure.experiments import World
from edgebench.measure.preparing import probe
from edgebench.measure.runner import run_job
from edgebench.models import layers
from edgebench.models.cache import hash_file
from edgebench.models.prepared import prepare
from edgebench.models.progress import Silent
from edgebench.models.quantize import Source, quantize
from tests.results_maker import DEVICE

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.prepared import Prepared

LAYERS, LEFT_OUT = 30, frozenset(range(2, 28))


def world(cache_dir: Path, smollm2: Path, **settings: Any) -> World:
    """Everything that is made lies below `cache_dir` and can be used by a later world."""
    run = partial(run_job, silence_s=300.0)
    small = cache_dir / "small.gguf"
    if not small.exists():
        layers.drop(smollm2, small, LAYERS, LEFT_OUT)

    @cache
    def model(_name: str, quant: str, _weights: str) -> Prepared:
        source = Source("small", small, hash_file(small, Silent()))
        made = quantize(
            source, quant, cache=cache_dir, progress=Silent(), allow_requantize=True, threads=2
        )
        return prepare(made.path, source="made", cache=cache_dir, progress=Silent())

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
