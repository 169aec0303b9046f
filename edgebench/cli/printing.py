"""What `edgebench run` prints: the plan of a dry run, and the table or the record at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from edgebench.analysis import metrics
from edgebench.analysis.labels import cell_label, skipped_label
from edgebench.printable import clean
from edgebench.report import table

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.measure.plan import Plan, Request
    from edgebench.schema.result import Result


def print_plan(planned: Plan, request: Request, *, as_json: bool) -> None:
    if as_json:
        cells, skipped = (
            [part.model_dump(mode="json") for part in parts]
            for parts in (planned.cells, planned.skipped)
        )
        typer.echo(json.dumps({"cells": cells, "skipped": skipped}, indent=1))
        return
    files_of_plan = [file.facts for file in request.files]
    for cell in planned.cells:
        typer.echo(clean(f"measure  {cell_label(cell, files_of_plan)}"))
    for skip in planned.skipped:
        typer.echo(clean(f"skip     {skipped_label(skip, files_of_plan)}: {skip.reason}"))


def print_result(result: Result, path: Path, *, as_json: bool) -> None:
    if not path.exists():
        return
    if as_json:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
    else:
        typer.echo(table.render(result), nl=False)
    typer.echo(f"record   {path}", err=True)


def broken_cells(result: Result) -> list[str]:
    return [
        cell_label(entry.cell, result.files)
        for entry in result.cells
        if not metrics.is_sound(entry) or any(ln.failure for ln in entry.launches)
    ]
