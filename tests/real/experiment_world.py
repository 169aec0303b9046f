"""A World for experiments on the real model, with a cache that later tests of a session share."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from edgebench.measure.experiments import World
from edgebench.measure.preparing import Wanted, prepared_files, probe
from edgebench.measure.runner import run_job
from edgebench.models.progress import Silent
from tests.results_maker import DEVICE

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.prepared import Prepared


def world(cache_dir: Path, scratch: Path, models: Path, **settings: Any) -> World:
    """`models` is edgebench's own cache, where the real weights lie."""
    run = partial(run_job, silence_s=300.0)

    @cache
    def model(name: str, quant: str, weights: str) -> Prepared:
        wanted = Wanted((name,), (quant,), None, weights)
        (file,) = prepared_files(wanted, cache=models, progress=Silent(), dry=False)
        return file

    scratch.mkdir(parents=True, exist_ok=True)
    return World(
        level="smoke",
        settings=settings,
        device=DEVICE,
        threads=2,
        cache=cache_dir,
        scratch=scratch,
        model=model,
        probe=cache(lambda name: probe(name, run)),
        run=run,
        turn=nullcontext,
        say=lambda _text: None,
    )
