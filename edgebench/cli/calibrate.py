"""`edgebench calibrate`: this program against itself, to see what this machine can show."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- RUN-OPTIONS", help="Options of edgebench run: which cells."),
    ] = None,
    pairs: Annotated[int, typer.Option(min=3, max=1000, help="Pairs of launches.")] = 20,
    max_time: Annotated[str, typer.Option(help="Start no pair after this long.")] = "1h",
    timeout: Annotated[str, typer.Option(help="Longest time for one launch.")] = "30m",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the order in pairs.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find the smallest slowdown that so many pairs of launches can show on this machine.

    What is found is kept in the cache folder, and gate refuses thresholds finer than it.

    Example: edgebench calibrate --pairs 20 -- --model smollm2-135m --workload tg128
    """
    from json import dumps

    from edgebench import units
    from edgebench.cli.contest import Limits, World
    from edgebench.cli.gating import calibrate
    from edgebench.measure.interleave import side_of
    from edgebench.report import comparison_calibration

    limits = Limits(
        pairs,
        units.parse_seconds("--max-time", max_time),
        seed,
    )
    world = World.real(units.parse_seconds("--timeout", timeout))
    found = calibrate(side_of("base", None, "", arguments or []), limits, world)
    if json:
        typer.echo(dumps([each.model_dump(mode="json") for each in found], indent=1))
        return
    typer.echo(comparison_calibration.render(found), nl=False)
