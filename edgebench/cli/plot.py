"""`edgebench plot WHICH RESULTS… -o FILE`: one plot of records, as a picture or as its numbers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edgebench.cli import collecting


class Which(StrEnum):
    """What there is to plot."""

    LADDER = "ladder"
    ROOFLINE = "roofline"
    QUALITY = "quality"
    CONTEXT = "context"
    MEMORY = "memory"
    ENERGY = "energy"
    SUSTAINED = "sustained"


def command(
    which: Annotated[Which, typer.Argument(help="What to plot.", metavar="WHICH")],
    results: collecting.Records,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="FILE.svg, FILE.png, or FILE.csv for its numbers."),
    ],
    devices: collecting.Devices = "",
    models: collecting.Models = "",
    backends: collecting.Backends = "",
    isas: collecting.Isas = "",
    workloads: collecting.Workloads = "",
) -> None:
    """Plot records: ladder, roofline, quality, context, memory, energy or sustained.

    Example: edgebench plot ladder results/ -o ladder.svg
    """
    from edgebench import files
    from edgebench.errors import BadInput
    from edgebench.report.plots import PLOTS
    from edgebench.report.plots.saving import WRITERS, content

    if output.suffix not in WRITERS:
        raise BadInput(
            f"{output} is no kind of file that a plot is written to.",
            f"Choose a name that ends in {', '.join(WRITERS)}.",
        )
    found = collecting.collect(
        results, collecting.chosen(devices, models, backends, isas, workloads)
    )
    plot = PLOTS[which](found.cells)
    files.write_atomic(output, content(plot, output.suffix))
    for note in plot.notes:
        typer.echo(f"note     {note}", err=True)
    typer.echo(f"wrote    {output}", err=True)
