"""`edgebench report RESULTS… -o site/`: records as pages that need nothing but themselves."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edgebench.cli import collecting


class Format(StrEnum):
    """What a report is made of."""

    HTML = "html"
    MD = "md"


def command(
    results: collecting.Records,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder to write to; made if missing.")
    ] = Path("site"),
    output_format: Annotated[
        Format,
        typer.Option(
            "--format", help="html, or md: Markdown with SVG and CSV files, for a repository."
        ),
    ] = Format.HTML,
    title: Annotated[str, typer.Option("--title", help="What the page is called.")] = (
        "edgebench report"
    ),
    records_url: Annotated[
        str, typer.Option("--records-url", help="Where readers find the records: cells link there.")
    ] = "",
    devices: collecting.Devices = "",
    models: collecting.Models = "",
    backends: collecting.Backends = "",
    isas: collecting.Isas = "",
    workloads: collecting.Workloads = "",
) -> None:
    """Make a report of records: devices, models, cells, and plots with their numbers.

    Example: edgebench report results/ -o site/
    """
    from edgebench import files
    from edgebench.analysis import report_reading
    from edgebench.report import folder

    folder.check(output, folder.PAGE if output_format is Format.MD else folder.INDEX)
    folder.check_link(records_url)
    found = collecting.collect(
        results, collecting.chosen(devices, models, backends, isas, workloads)
    )

    def tell(what: str) -> None:
        typer.echo(f"drawing  {what}", err=True)

    make = folder.markdown if output_format is Format.MD else folder.html
    made = make(found, title, tell, records_url, report_reading.paths(results))
    for name, content in made.items():
        files.write_atomic(output / name, content)
        typer.echo(f"wrote    {output / name} ({_size(content)})", err=True)


def _size(content: str | bytes) -> str:
    size_bytes = len(content.encode() if isinstance(content, str) else content)
    return f"{size_bytes / 2**20:.1f} MiB" if size_bytes >= 2**20 else f"{size_bytes >> 10} KiB"
