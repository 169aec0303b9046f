"""`edgebench plot WHICH RESULTS… -o FILE`: one plot of records, as a picture or as its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgebench.cli import collecting

if TYPE_CHECKING:
    from edgebench.analysis.report_choice import Choice
    from edgebench.report.plots.plot import Plot

CLAIM = "claim-"


def command(
    which: Annotated[
        str,
        typer.Argument(
            help="ladder, roofline, quality, context, memory, energy, sustained, or the plot of "
            "a claim, e.g. claim-isa-speedup.",
            metavar="WHICH",
        ),
    ],
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
    """Plot records: ladder, roofline, quality, context, memory, energy, sustained, or a claim's.

    Example: edgebench plot ladder results/ -o ladder.svg
    """
    from edgebench import files
    from edgebench.errors import BadInput
    from edgebench.report.plots.saving import WRITERS, content

    if output.suffix not in WRITERS:
        raise BadInput(
            f"{output} is no kind of file that a plot is written to.",
            f"Choose a name that ends in {', '.join(WRITERS)}.",
        )
    choice = collecting.chosen(devices, models, backends, isas, workloads)
    plot = (
        _of_claim(which, results, choice)
        if which.startswith(CLAIM)
        else _plot(which, results, choice)
    )
    files.write_atomic(output, content(plot, output.suffix))
    for note in plot.notes:
        typer.echo(f"note     {note}", err=True)
    typer.echo(f"wrote    {output}", err=True)


def _plot(which: str, results: list[Path], choice: Choice) -> Plot:
    from edgebench.errors import UnknownName
    from edgebench.report.plots import PLOTS

    if which not in PLOTS:
        raise UnknownName.of(
            "plot", which, PLOTS, f"Or {CLAIM}ID, with an ID of edgebench claims list."
        )
    return PLOTS[which](collecting.collect(results, choice).cells)


def _of_claim(which: str, results: list[Path], choice: Choice) -> Plot:
    """From all evidence among these records: a claim chooses its cells itself."""
    from edgebench.claims import records, suite
    from edgebench.errors import BadInput
    from edgebench.report import claim_plots

    if any(choice):
        raise BadInput(
            "A claim chooses its cells itself.", "Leave out --device, --model and so on."
        )
    (claim,) = suite.chosen([which.removeprefix(CLAIM)])
    return claim_plots.drawn_from(claim, records.read(results).evidence)
