"""`edgebench doctor`: what can be measured here, why not the rest, and what disturbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgebench.machine.checkup import Asked

# An engine that has not answered a plain question for so long will not.
SILENCE_S = 120.0


def command(
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what this machine is, which engines, devices and meters it can use, and what disturbs.

    Exits with 0 when it is ready, and with 8 and the reason when it is not.

    Example: edgebench doctor
    """
    from shutil import get_terminal_size

    from edgebench import files
    from edgebench.errors import NotUsableHere
    from edgebench.machine.checkup import checkup
    from edgebench.report.doctor import render

    found = checkup(_ask())
    width = min(get_terminal_size((100, 0)).columns, 120)
    typer.echo(files.to_json(found) if json else render(found, width=width), nl=False)
    if not found.ready:
        raise NotUsableHere("This machine is not ready to measure.", " ".join(found.problems))


def _ask() -> Asked:
    """The disturbances first: asking the engines is a disturbance itself."""
    from functools import partial

    from edgebench import files, plugins
    from edgebench.machine import device as machine
    from edgebench.machine import disturbances
    from edgebench.machine.checkup import Asked
    from edgebench.machine.default_model import default_model
    from edgebench.machine.devices import nvidia_gpu
    from edgebench.machine.storage import cache_found
    from edgebench.measure import preparing, runner
    from edgebench.models import catalog
    from edgebench.power.choose import energy_sources, installed

    load_average, device = disturbances.load_average(), machine.detect()
    seen = disturbances.notes(device, load_average)
    run_job = partial(runner.run_job, silence_s=SILENCE_S)
    cache = cache_found(files.cache_dir())
    return Asked(
        device=device,
        probes={name: preparing.probe(name, run_job) for name in plugins.backend_names()},
        gpu=nvidia_gpu(),
        energy=energy_sources(installed()),
        cache=cache,
        model=default_model(catalog.load_catalog(), files.cache_dir(), cache.free_bytes),
        disturbances=seen,
    )
