"""`edgebench roofline`: what this machine can do at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.ceilings import Ceilings
    from edgebench.schema.device import Device

# One worker measures for seconds; one that says nothing for so long has hung.
SILENCE_S = 120.0


def command(
    threads: Annotated[
        str, typer.Option(help="Thread counts, e.g. 1,2; auto: 1 to the usable physical cores.")
    ] = "auto",
    max_time: Annotated[str, typer.Option(help="Start nothing after this long.")] = "60s",
    json: Annotated[bool, typer.Option("--json", help="Print the document as JSON.")] = False,
) -> None:
    """Measure read bandwidth and arithmetic, the ceilings of decode and prefill.

    Later records of this machine carry them, and show what share of them was reached.

    Example: edgebench roofline --threads 1,2
    """
    from edgebench import files, units
    from edgebench.errors import BadInput
    from edgebench.machine import device as machine
    from edgebench.measure.roofline import thread_counts
    from edgebench.report.ceilings import render

    max_time_s = units.parse_seconds("--max-time", max_time)
    given = () if threads == "auto" else units.parse_counts("--threads", threads)
    device = machine.detect()
    counts = given or thread_counts(machine.default_threads(device))
    if max(counts) > device.usable_cpus:
        raise BadInput(
            f"{max(counts)} threads were asked for, {device.usable_cpus} CPUs are usable here.",
            "Ask for fewer with --threads.",
        )
    found = measure_and_keep(device, counts, max_time_s)
    typer.echo(files.to_json(found) if json else render(found), nl=False)


def measure_and_keep(device: Device, threads: Sequence[int], max_time_s: float) -> Ceilings:
    """Measure in worker processes, say so on standard error, and keep the document in the cache.

    Raises NotUsableHere when nothing could be measured, CannotWrite when it cannot be kept.
    """
    from datetime import UTC, datetime
    from functools import partial
    from pathlib import Path
    from time import monotonic

    from edgebench import files
    from edgebench.machine import disturbances
    from edgebench.measure import roofline, turn
    from edgebench.measure.runner import run_job
    from edgebench.models.fit import available_bytes

    cache, say = files.cache_dir(), partial(typer.echo, err=True)
    world = roofline.World(
        run=partial(run_job, silence_s=SILENCE_S),
        monotonic_s=monotonic,
        utc=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        load_average=disturbances.load_average,
        available_bytes=partial(available_bytes, Path("/")),
        turn=partial(turn.take, cache / "measuring.lock", say),
        say=say,
    )
    found = roofline.measure(device, threads, max_time_s, world)
    say(f"kept     {roofline.keep(found, cache)}")
    return found
