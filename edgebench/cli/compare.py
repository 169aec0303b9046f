"""`edgebench compare A B [C…]`: what differs between records, and what cannot be said."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    table = "table"
    markdown = "markdown"
    csv = "csv"
    json = "json"


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Records or folders of records; the first is the base of all ratios."),
    ],
    output_format: Annotated[
        Format, typer.Option("--format", help="How the comparison is printed.")
    ] = Format.table,
) -> None:
    """Compare records: ratios with intervals on one device, a table across devices.

    Example: edgebench compare before.json after.json --format markdown
    """
    from edgebench.analysis.compare import compare
    from edgebench.analysis.index.sides import read_sides
    from edgebench.printable import clean
    from edgebench.report import comparison

    found = compare(read_sides(paths, lambda text: typer.echo(clean(text), err=True)))
    render = {
        Format.table: comparison.text,
        Format.markdown: comparison.to_markdown,
        Format.csv: comparison.to_csv,
        Format.json: comparison.to_json,
    }
    typer.echo(render[output_format](found), nl=False)
