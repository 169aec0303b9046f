"""`edgebench roofline`: what this machine can do at most."""

from __future__ import annotations

from typing import Annotated

import typer


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
    from functools import partial

    from edgebench import files, units
    from edgebench.cli.ceilings import measure_and_keep
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
    found = measure_and_keep(device, counts, max_time_s, partial(typer.echo, err=True))
    typer.echo(files.to_json(found) if json else render(found), nl=False)
