"""`edgebench check PATH…`: is this a valid record, and does its summary follow from it?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    paths: Annotated[list[Path], typer.Argument(help="Records, or folders of records.")],
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Validate records: schema, identities, and the summary recomputed from the raw trials.

    Exits with 2 and names file and field when anything is wrong.

    Example: edgebench check results/
    """
    from json import dumps

    from edgebench.analysis import checking
    from edgebench.printable import clean

    findings = checking.check(paths)
    if json:
        typer.echo(dumps([finding._asdict() for finding in findings], indent=1))
    for finding in [] if json else findings:
        typer.echo(clean(f"{finding.file}: {finding.problem or 'ok'}"))
    if any(finding.problem for finding in findings):
        raise typer.Exit(2)
