"""`edgebench show FILE`: a record as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Argument(help="A record written by edgebench run.")],
    details: Annotated[
        bool, typer.Option("--details", help="Add loading, single steps, and memory by part.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Print a record as the table that `run` printed.

    Example: edgebench show results/my-device/20260101T120000Z-smollm2-135m-1a2b3c4d.json
    """
    from edgebench import files
    from edgebench.analysis import checking
    from edgebench.errors import BadInput
    from edgebench.report import details as detail_table
    from edgebench.report import table
    from edgebench.schema.result import Result

    result = files.read_json(file, Result)
    if problem := next(checking.problems(result), None):
        raise BadInput(f"{file} contradicts itself: {problem}", "See edgebench check.")
    if json:
        typer.echo(files.to_json(result), nl=False)
        return
    typer.echo(table.render(result), nl=False)
    if details:
        typer.echo(detail_table.render(result), nl=False)
