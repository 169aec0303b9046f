"""Ceilings for `edgebench roofline` and, where this machine's are not known yet, for a run."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgebench import files
from edgebench.errors import NotUsableHere
from edgebench.machine import disturbances
from edgebench.measure import roofline, turn
from edgebench.measure.runner import run_job
from edgebench.models.fit import available_bytes
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.measure.campaign import RunJob
    from edgebench.schema.ceilings import Ceilings
    from edgebench.schema.device import Device

# One worker measures for seconds; one that says nothing for so long has hung.
_run_job = partial(run_job, silence_s=120.0)
# After the first round, which is always finished; enough for the best of several launches.
FOR_A_RUN_S = 15.0


def measure_and_keep(
    device: Device,
    threads: Sequence[int],
    max_time_s: float,
    progress: Callable[[str], None],
    run: RunJob = _run_job,
) -> Ceilings:
    """Measure in worker processes and keep the document in the cache.

    Raises NotUsableHere when nothing could be measured, CannotWrite when it cannot be kept.
    """
    cache, say = files.cache_dir(), partial(typer.echo, err=True)
    world = roofline.World(
        run=run,
        monotonic_s=time.monotonic,
        utc=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        load_average=disturbances.load_average,
        available_bytes=partial(available_bytes, Path("/")),
        turn=partial(turn.take, cache / "measuring.lock", say),
        say=progress,
    )
    found = roofline.beside(device.ceilings, roofline.measure(device, threads, max_time_s, world))
    say(f"kept     {roofline.keep(found, cache)}")
    return found


def for_a_run(
    device: Device, threads: Sequence[int], run: RunJob = _run_job
) -> tuple[Device, tuple[Note, ...]]:
    """The device with ceilings at these thread counts, and why it has none where that is so."""
    unknown = roofline.unknown_counts(device.ceilings, threads)
    if not unknown:
        return device, ()
    counts = " and ".join(map(str, unknown))
    typer.echo(
        f"ceilings what this machine can do at most with {counts} thread(s), once per machine: "
        f"about {FOR_A_RUN_S:.0f} s; --no-ceilings leaves it out",
        err=True,
    )
    try:
        found = measure_and_keep(device, unknown, FOR_A_RUN_S, _silent, run)
    except NotUsableHere as error:
        return device, (Note(name="no_ceilings", message=f"{error.problem} {error.remedy}"),)
    return device.model_copy(update={"ceilings": found}), ()


def _silent(_text: str) -> None:
    """A run says once that it measures ceilings, and not each step."""
